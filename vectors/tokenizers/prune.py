"""Cuts a published tokenizer.json down to its first merges, which keeps every other setting and makes it small.

usage: python3 prune.py TOKENIZER_JSON MERGES OUTPUT
The special tokens keep their order and take the ids after the vocabulary, as the format requires.
"""
import json
import sys

source, count, output = sys.argv[1], int(sys.argv[2]), sys.argv[3]
document = json.load(open(source, encoding="utf-8"))
model = document["model"]
merges = model["merges"][:count]
always = {token["content"] for token in document["added_tokens"]} | {f"<0x{value:02X}>" for value in range(256)}
kept = {token for token in model["vocab"] if len(token) == 1}
if model.get("byte_fallback"):
    # A vocabulary over characters has many thousands: all that the merges need, and a tenth of the others.
    used = set("".join("".join(merge) for merge in merges))
    kept = {token for token in kept if token in used or ord(token) < 0x250 or ord(token) % 10 == 0}
while True:
    # A merge may name parts that a later merge makes, so parts that were cut off take their merges with them.
    pairs = [merge.split(" ") if isinstance(merge, str) else merge for merge in merges]
    made = kept | {"".join(pair) for pair in pairs}
    fitting = [merge for merge, pair in zip(merges, pairs) if pair[0] in made and pair[1] in made]
    if len(fitting) == len(merges):
        break
    merges = fitting
kept = made
if model.get("byte_fallback"):
    added = document["added_tokens"]
    added = [token for token in added if token["content"] in model["vocab"] and "unused" not in token["content"]]
    document["added_tokens"] = added = added[:80]
    kept |= {token["content"] for token in added} | {token for token in model["vocab"] if token in always and token.startswith("<0x")}
vocabulary = sorted((token for token in model["vocab"] if token in kept), key=model["vocab"].get)
model["vocab"] = {token: index for index, token in enumerate(vocabulary)}
model["merges"] = merges
if not model.get("byte_fallback"):
    document["added_tokens"] = [t for t in document["added_tokens"] if t["content"] not in model["vocab"]][:24]
for index, token in enumerate(document["added_tokens"]):
    token["id"] = model["vocab"].get(token["content"], len(vocabulary) + index)
if (document.get("post_processor") or {}).get("type") not in ("ByteLevel", "TemplateProcessing"):
    document["post_processor"] = None
ids = {token["content"]: token["id"] for token in document["added_tokens"]}
for name, special in ((document["post_processor"] or {}).get("special_tokens") or {}).items():
    special["ids"] = [ids[name]]
json.dump(document, open(output, "w", encoding="utf-8"), ensure_ascii=False, separators=(",", ":"))
