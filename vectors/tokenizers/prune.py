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
kept = {token for token in model["vocab"] if len(token) == 1}
while True:
    # A merge may name parts that a later merge makes, so parts that were cut off take their merges with them.
    pairs = [merge.split(" ") if isinstance(merge, str) else merge for merge in merges]
    made = kept | {"".join(pair) for pair in pairs}
    fitting = [merge for merge, pair in zip(merges, pairs) if pair[0] in made and pair[1] in made]
    if len(fitting) == len(merges):
        break
    merges = fitting
kept = made
vocabulary = sorted((token for token in model["vocab"] if token in kept), key=model["vocab"].get)
model["vocab"] = {token: index for index, token in enumerate(vocabulary)}
model["merges"] = merges
document["added_tokens"] = [token for token in document["added_tokens"] if token["content"] not in model["vocab"]][:24]
for index, token in enumerate(document["added_tokens"]):
    token["id"] = len(vocabulary) + index
if (document.get("post_processor") or {}).get("type") != "ByteLevel":
    document["post_processor"] = None
json.dump(document, open(output, "w", encoding="utf-8"), ensure_ascii=False, separators=(",", ":"))
