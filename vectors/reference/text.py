"""Deterministic bytes for vectors, and their text."""

import hashlib

from .secp256k1 import N


def label(text, size):
    """Bytes named by a text, so that every vector can be made again."""
    data, counter = b"", 0
    while len(data) < size:
        data += hashlib.sha256(f"souk vector {text} {counter}".encode()).digest()
        counter += 1
    return data[:size]


def key_of(text):
    return int.from_bytes(label(f"key {text}", 32), "big") % (N - 1) + 1


def hex_of(data):
    return "0x" + data.hex()
