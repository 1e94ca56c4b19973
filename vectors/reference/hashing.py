"""Hash chains, commitments, model manifests and the charge, as docs/PROTOCOL.md states them."""

import hashlib
import struct

WEIGHTS = (".safetensors", ".gguf", ".onnx", ".onnx_data", ".onnx.data", ".bin", ".pt", ".pth")
TOKENIZER = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json",
             "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt")
TEMPLATE = ("chat_template.jinja", "chat_template.json")


def h(data):
    return hashlib.sha256(data).digest()


def iterate(value, times):
    for _ in range(times):
        value = h(value)
    return value


def commitment(domain, salt, data):
    assert len(salt) == 16
    return h(domain.encode() + salt + data)


def ids_bytes(choices):
    return b"\xff\xff\xff\xff".join(b"".join(struct.pack(">I", i) for i in ids) for ids in choices)


def charge(prices, tokens):
    total = sum(price * count for price, count in zip(prices, tokens))
    return -(-total // 1_000_000)


def to_decimal(units, decimals):
    whole, fraction = divmod(units, 10**decimals)
    text = str(fraction).rjust(decimals, "0").rstrip("0") if decimals else ""
    return f"{whole}.{text}" if text else str(whole)


def _files_hash(domain, files):
    data = domain.encode() + struct.pack(">I", len(files))
    for path, sha, size in files:
        name = path.encode()
        data += struct.pack(">I", len(name)) + name + sha + struct.pack(">Q", size)
    return h(data)


def manifest(files):
    """Digest and the roots of weights, tokenizer and template of (path, sha256, size)."""
    files = sorted(files, key=lambda file: file[0].encode())

    def base(file):
        return file[0].rsplit("/", 1)[-1]

    def root(domain, chosen):
        return _files_hash(domain, chosen) if chosen else bytes(32)

    weights = [f for f in files if base(f).endswith(WEIGHTS) and base(f) not in TOKENIZER + TEMPLATE]
    tokenizer = [f for f in files if base(f) in TOKENIZER]
    template = [f for f in files if base(f) in TEMPLATE]
    template = template or [f for f in files if base(f) == "tokenizer_config.json"]
    return (files[0][1] if len(files) == 1 else _files_hash("souk-model-1", files),
            root("souk-weights-1", weights), root("souk-tokenizer-1", tokenizer), root("souk-template-1", template))
