"""Vectors of souk-gumbel-1."""

import math
import random
import struct

from . import sampling
from .text import hex_of, label

OFF = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "frequency_penalty": 0.0, "presence_penalty": 0.0}


def philox():
    for counter, key in [((0, 0, 0, 0), (0, 0)), ((1, 2, 3, 4), (5, 6)), ((2**32 - 1,) * 4, (2**32 - 1,) * 2),
                         ((128_000, (3 << 24) + 77, 0xDEADBEEF, 0x12345678), (0xCAFEBABE, 0x0BADF00D))]:
        yield {"counter": [f"{c:08x}" for c in counter], "key": [f"{k:08x}" for k in key],
               "block": [f"{x:08x}" for x in sampling.philox(counter, key)]}


def keys():
    rows = [{"seed": str(seed), "key": sampling.key_from_seed(seed).hex()}
            for seed in (0, 1, -1, 42, -9007199254740991, 2**63 - 1, -2**63)]
    parts = {"channel": label("channel", 32), "request_id": label("request", 16), "index": 12,
             "request_commitment": label("body", 32), "gateway_nonce": label("gateway nonce", 32),
             "provider_nonce": label("provider nonce", 32)}
    shown = {k: v if k == "index" else v.hex() if k == "request_id" else hex_of(v) for k, v in parts.items()}
    return {"from_seed": rows, "two_party": shown | {"key": sampling.key_two_party(*parts.values()).hex()}}


def math_bits():
    """Bits in and out of ln and exp: special values, edges of the reductions, and a spread."""
    generator = random.Random(20)
    for_ln = [0.0, -1.0, math.inf, 5e-324, 2.2250738585072014e-308, 1.0, math.nextafter(1, 0), math.nextafter(1, 2), 2.0,
              0.5, math.sqrt(2), math.nextafter(math.sqrt(2), 2), math.sqrt(0.5), 1.7976931348623157e308, 2.718281828459045,
              0.5 / 2**52, (2**52 - 0.5) / 2**52, 10.0]
    for_exp = [0.0, -0.0, 1.0, -1.0, 1e-300, -math.inf, math.inf, 709.782712893384, 709.7827128933841, -745.1332191019411,
               -745.1332191019412, -708.4, -710.0, -744.0, 0.34657359027997264, 0.3465735902799727, 40.0, -40.0, 1e-17]
    for_ln += [generator.random() for _ in range(80)] + [math.ldexp(generator.random(), generator.randrange(-60, 60))
                                                          for _ in range(40)]
    for_exp += [generator.uniform(-50, 1) for _ in range(80)] + [generator.uniform(-745, 709) for _ in range(40)]

    def bits(x):
        return "nan" if math.isnan(x) else f"{sampling.to_bits(x):016x}"

    return {"ln": [[bits(x), bits(sampling.ln(x))] for x in for_ln],
            "exp": [[bits(x), bits(sampling.exp(x))] for x in for_exp]}


def noises():
    key = label("noise key", 16)
    for choice, t, v in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (255, 2**24 - 1, 151_935), (3, 77, 128_000)]:
        yield {"key": key.hex(), "choice": choice, "t": t, "v": v,
               "bits": f"{sampling.to_bits(sampling.gumbel(key, choice, t, v)):016x}"}


def _float32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def _bell(generator):
    """About normal, by additions alone, since the logarithm and cosine of other ways differ between platforms."""
    total = 0.0
    for _ in range(12):
        total = total + generator.random()
    return total - 6.0


def _row(generator, size, spread):
    return [_float32(_bell(generator) * spread) for _ in range(size)]


def _steps(name, logits, parameters, key, steps, choice=0, counts=None, bias=None):
    parameters = OFF | parameters
    tokens = [sampling.pick(logits, parameters, key, choice, t, counts, bias) for t in range(steps)]
    case = {"name": name, "parameters": parameters, "key": key.hex(), "choice": choice, "tokens": tokens,
            "logits": ["-inf" if x == -math.inf else x for x in logits]}
    if counts:
        case["counts"] = {str(k): v for k, v in counts.items()}
    if bias:
        case["bias"] = {str(k): v for k, v in bias.items()}
    return case


def tokens():
    generator, key = random.Random(4), label("sampler key", 16)
    small, flat, wide = _row(generator, 40, 3), [0.0] * 32, _row(generator, 600, 4)
    ties = [_float32(round(_bell(generator))) for _ in range(60)]
    barred = [x if i % 3 else -math.inf for i, x in enumerate(small)]
    many = {"frequency_penalty": 0.7, "presence_penalty": 0.4}
    counts, bias = {3: 4, 7: 1, 12: 0, 39: 9}, {5: 6.5, 7: -100.0, 0: 0.1}
    yield _steps("greedy", small, {"temperature": 0.0}, key, 3)
    yield _steps("greedy takes the lowest id on ties", flat, {"temperature": 0.0}, key, 2)
    yield _steps("a temperature below 1e-5 is greedy", small, {"temperature": 9e-6}, key, 2)
    yield _steps("greedy with bias and penalties", small, {"temperature": 0.0} | many, key, 2, 0, counts, bias)
    yield _steps("no filter", small, {}, key, 24)
    yield _steps("no filter, flat", flat, {}, key, 24)
    yield _steps("no filter, another choice", small, {}, key, 12, 5)
    yield _steps("no filter, barred tokens", barred, {"temperature": 2.0}, key, 24)
    yield _steps("no filter, wide", wide, {"temperature": 1.3}, key, 24)
    yield _steps("hot", small, {"temperature": 100.0}, key, 24)
    yield _steps("cold", small, {"temperature": 0.1}, key, 12)
    yield _steps("top-k 1", small, {"top_k": 1}, key, 4)
    yield _steps("top-k 5", small, {"top_k": 5, "temperature": 1.7}, key, 24)
    yield _steps("top-k cuts through ties", ties, {"top_k": 7}, key, 24)
    yield _steps("top-k beyond the vocabulary", small, {"top_k": 1000}, key, 8)
    yield _steps("top-p", small, {"top_p": 0.9}, key, 24)
    yield _steps("top-p 0 keeps one", small, {"top_p": 0.0}, key, 4)
    yield _steps("top-p cuts through ties", ties, {"top_p": 0.5}, key, 24)
    yield _steps("top-p exactly at a step of a flat list", flat, {"top_p": 0.5}, key, 24)
    yield _steps("top-p, wide", wide, {"top_p": 0.95, "temperature": 0.8}, key, 24)
    yield _steps("top-p, wide and hot", wide, {"top_p": 0.999, "temperature": 5.0}, key, 24)
    yield _steps("min-p", small, {"min_p": 0.1}, key, 24)
    yield _steps("min-p 1 keeps the greatest", ties, {"min_p": 1.0}, key, 24)
    yield _steps("min-p, wide", wide, {"min_p": 0.02, "temperature": 2.0}, key, 24)
    yield _steps("all filters", wide, {"top_k": 50, "min_p": 0.01, "top_p": 0.9, "temperature": 1.5}, key, 24)
    yield _steps("all filters, bias and penalties", small,
                 {"top_k": 20, "min_p": 0.01, "top_p": 0.95, "temperature": 0.7} | many, key, 24, 2, counts, bias)
    yield _steps("barred tokens with top-p", barred, {"top_p": 0.99}, key, 24)
