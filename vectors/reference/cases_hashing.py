"""Vectors of hash chains, commitments and model manifests."""

from . import hashing
from .text import hex_of, label


def nonce_chains():
    secret = label("nonce secret", 32)
    anchor = hashing.iterate(secret, 4096)
    return {"secret": hex_of(secret), "length": 4096, "anchor": hex_of(anchor), "nonces": [
        {"index": i, "nonce": hex_of(hashing.iterate(secret, 4096 - i))}
        for i in (1, 2, 3, 63, 64, 65, 1000, 4032, 4095, 4096)]}


def heartbeats():
    secret, issued = label("heartbeat secret", 32), 1_780_000_000
    anchor = hashing.iterate(secret, 60)
    values = [hashing.iterate(secret, 60 - i) for i in range(61)]
    opened = [{"now": issued + s, "value": hex_of(values[min(max(s, 0) // 10, 60)])}
              for s in (-5, 0, 9, 10, 19, 20, 599, 600, 10_000)]
    live = []
    for index, second in [(0, 0), (0, 29), (0, 30), (1, 0), (1, 9), (2, 0), (2, 9), (2, 10), (5, 50), (5, 79), (5, 80),
                          (60, 600), (60, 589), (60, 580), (60, 629), (60, 630), (0, -100), (60, 10**9)]:
        elapsed = max(second, 0) // 10
        live.append({"index": index, "value": hex_of(values[index]), "now": issued + second,
                     "is_live": elapsed - 2 <= index <= elapsed + 1})
    return {"secret": hex_of(secret), "issued_at": issued, "anchor": hex_of(anchor), "opened": opened, "live": live}


def commitments():
    salt = label("commitment salt", 16)
    body = '{"model":"llama","messages":[{"role":"user","content":"Grüße"}]}'.encode()
    choices = [[1, 2, 128_000], [2**31 - 1, 0]]
    long = list(range(1000))
    return {
        "salt": salt.hex(),
        "request": {"body_hex": body.hex(), "commitment": hex_of(hashing.commitment("souk-request-1", salt, body))},
        "prompts": [{"ids": ids, "commitment": hex_of(
            hashing.commitment("souk-prompt-1", salt, hashing.ids_bytes([ids])))} for ids in ([], [7], choices[0], long)],
        "inputs": [{"inputs": c, "commitment": hex_of(
            hashing.commitment("souk-prompt-1", salt, hashing.ids_bytes(c)))}
            for c in ([[7]], choices, [[7], [7], [1, 2]])],
        "outputs": [{"choices": c, "commitment": hex_of(
            hashing.commitment("souk-output-1", salt, hashing.ids_bytes(c)))}
            for c in ([[]], [choices[0]], choices, [[], []], [long])],
    }


def manifests():
    def files(*names):
        return [(name, label(f"file {name}", 32), 1000 + len(name)) for name in names]

    sets = [
        files("model.gguf"),
        files("model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
              "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
              "special_tokens_map.json"),
        files("onnx/model.onnx", "onnx/model.onnx_data", "tokenizer.json", "tokenizer_config.json",
              "chat_template.jinja", "é.bin", "z.bin", "\U0001F600.txt", "\uffff.txt"),
        files("README.md", "config.json"),
    ]
    for entries in sets:
        digest, weights, tokenizer, template = hashing.manifest(entries)
        yield {"manifest": {"files": [{"path": p, "sha256": hex_of(s), "size": n} for p, s, n in entries],
                            "numerics": "w=bf16,a=bf16,kv=bf16"},
               "digest": hex_of(digest), "weights_root": hex_of(weights), "tokenizer_root": hex_of(tokenizer),
               "template_root": hex_of(template)}
