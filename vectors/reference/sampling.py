"""souk-gumbel-1 straight from docs/PROTOCOL.md: full sort, every noise computed, nothing skipped.

Python's floats are IEEE 754 doubles and its + - * / are never fused, so the bits must come out the same.
"""

import hashlib
import math
import struct

LN2_HIGH = struct.unpack(">d", bytes.fromhex("3fe62e42fee00000"))[0]
LN2_LOW = struct.unpack(">d", bytes.fromhex("3dea39ef35793c76"))[0]
LOG2_E = struct.unpack(">d", bytes.fromhex("3ff71547652b82fe"))[0]
ROOT_TWO_MANTISSA = 0x6A09E667F3BCD
EXP_LEAST = struct.unpack(">d", bytes.fromhex("c0874910d52d3051"))[0]
EXP_GREATEST = struct.unpack(">d", bytes.fromhex("40862e42fefa39ef"))[0]
LEAST_TEMPERATURE = 1e-5


def to_bits(x):
    return struct.unpack(">Q", struct.pack(">d", x))[0]


def from_bits(bits):
    return struct.unpack(">d", struct.pack(">Q", bits))[0]


def ln(x):
    if math.isnan(x) or x < 0:
        return math.nan
    if x == 0:
        return -math.inf
    if x == math.inf:
        return x
    k, bits = 0, to_bits(x)
    if bits >> 52 == 0:
        k, bits = -54, to_bits(x * 2.0**54)
    k += (bits >> 52) - 1023
    mantissa = bits & ((1 << 52) - 1)
    if mantissa > ROOT_TWO_MANTISSA:
        k += 1
        m = from_bits(mantissa | (1022 << 52))
    else:
        m = from_bits(mantissa | (1023 << 52))
    f = m - 1.0
    s = f / (2.0 + f)
    w = s * s
    p = 1.0 / 21.0
    for odd in (19, 17, 15, 13, 11, 9, 7, 5, 3):
        p = p * w + 1.0 / odd
    r = 2.0 * (p * w)
    c = s * (f - r)
    return f - c if k == 0 else k * LN2_HIGH - ((c - k * LN2_LOW) - f)


def exp(x):
    if math.isnan(x):
        return x
    if x < EXP_LEAST:
        return 0.0
    if x > EXP_GREATEST:
        return math.inf
    k = math.floor(x * LOG2_E + 0.5)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    p = 1.0 / math.factorial(13)
    for n in range(12, 1, -1):
        p = p * r + 1.0 / math.factorial(n)
    y = 1.0 + (r + (r * r) * p)
    return math.ldexp(y, k)


def philox(counter, key):
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c0, 1 << 32)
        high1, low1 = divmod(0xCD9E8D57 * c2, 1 << 32)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3


def gumbel(key, choice, t, v):
    k = struct.unpack(">4I", key)
    x0, x1, _, _ = philox((v, (choice << 24) + t, k[2], k[3]), (k[0], k[1]))
    u = (((x0 << 32 | x1) >> 12) + 0.5) / 2.0**52
    return -ln(-ln(u))


def key_from_seed(seed):
    return hashlib.sha256(b"souk-seed-1" + struct.pack(">q", seed)).digest()[:16]


def key_two_party(channel, request, index, commitment, gateway_nonce, provider_nonce):
    parts = b"souk-key-1" + channel + request + struct.pack(">Q", index) + commitment + gateway_nonce + provider_nonce
    return hashlib.sha256(parts).digest()[:16]


def survivors(scores, parameters):
    """Ids that pass top-k, min-p and top-p, in list order."""
    order = sorted((v for v in range(len(scores)) if scores[v] > -math.inf), key=lambda v: (-scores[v], v))
    if parameters["top_k"] > 0:
        order = order[:parameters["top_k"]]
    weights = {v: exp(scores[v] - scores[order[0]]) for v in order}
    if parameters["min_p"] > 0:
        order = [v for v in order if weights[v] >= parameters["min_p"]]
    if parameters["top_p"] < 1:
        total = 0.0
        for v in order:
            total = total + weights[v]
        threshold, reached, kept = parameters["top_p"] * total, 0.0, []
        for v in order:
            kept.append(v)
            reached = reached + weights[v]
            if reached >= threshold:
                break
        order = kept
    return order


def pick(logits, parameters, key, choice, t, counts=None, bias=None):
    scores = [float(x) for x in logits]
    if any(math.isnan(x) or x == math.inf for x in scores):
        return None
    for v, shift in (bias or {}).items():
        scores[v] = scores[v] + shift
    for v, count in (counts or {}).items():
        if count > 0:
            scores[v] = (scores[v] - parameters["frequency_penalty"] * count) - parameters["presence_penalty"]
    if max(scores) == -math.inf:
        return None
    if parameters["temperature"] < LEAST_TEMPERATURE:
        return scores.index(max(scores))
    scores = [x / parameters["temperature"] for x in scores]
    totals = [(scores[v] + gumbel(key, choice, t, v), -v) for v in survivors(scores, parameters)]
    return -max(totals)[1]
