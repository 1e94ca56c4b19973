"""ECDSA over secp256k1 in affine integers, with RFC 6979 nonces and low s."""

import hashlib
import hmac

from .keccak import keccak256

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def add(a, b):
    if a is None:
        return b
    if b is None:
        return a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(scalar, point):
    result = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def _nonces(secret, digest):
    """RFC 6979, section 3.2, with HMAC-SHA-256."""
    def mac(key, data):
        return hmac.new(key, data, hashlib.sha256).digest()

    seed = secret.to_bytes(32, "big") + (int.from_bytes(digest, "big") % N).to_bytes(32, "big")
    k, v = bytes(32), b"\x01" * 32
    for separator in (b"\x00", b"\x01"):
        k = mac(k, v + separator + seed)
        v = mac(k, v)
    while True:
        v = mac(k, v)
        nonce = int.from_bytes(v, "big")
        if 0 < nonce < N:
            yield nonce
        k = mac(k, v + b"\x00")
        v = mac(k, v)


def sign(secret, digest):
    """65 bytes r, s, v."""
    z = int.from_bytes(digest, "big") % N
    for nonce in _nonces(secret, digest):
        x, y = multiply(nonce, G)
        r = x % N
        s = pow(nonce, -1, N) * (z + r * secret) % N
        if r == 0 or s == 0 or x >= N:
            continue
        odd = y & 1
        if s > N // 2:
            s, odd = N - s, odd ^ 1
        return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + odd])
    raise AssertionError("unreachable")


def address(secret):
    x, y = multiply(secret, G)
    return keccak256(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[12:]


def recover(digest, signature):
    """The address that signed, or None."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not (0 < r < N and 0 < s <= N // 2 and signature[64] in (27, 28)):
        return None
    square = (pow(r, 3, P) + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        return None
    if y & 1 != signature[64] - 27:
        y = P - y
    z = int.from_bytes(digest, "big") % N
    inverse = pow(r, -1, N)
    q = add(multiply(-z * inverse % N, G), multiply(s * inverse % N, (r, y)))
    return None if q is None else keccak256(q[0].to_bytes(32, "big") + q[1].to_bytes(32, "big"))[12:]


def checksum(raw):
    """EIP-55 text of 20 bytes."""
    digits = raw.hex()
    hashed = keccak256(digits.encode()).hex()
    return "0x" + "".join(c.upper() if int(h, 16) >= 8 else c for c, h in zip(digits, hashed))
