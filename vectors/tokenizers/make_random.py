"""Writes random.json.gz: 2,000 random texts over everything that Unicode 3.2 assigns as later versions do, and emoji.
Deterministic. Newer characters are left out because the reference library's categories are of several older versions.
"""
import gzip
import json
import random
import unicodedata

random.seed(20261125)
old = unicodedata.ucd_3_2_0
every = [chr(c) for c in range(1, 0x110000) if old.category(chr(c)) not in ("Cn", "Cs", "Co")
         and old.category(chr(c)) == unicodedata.category(chr(c))]
blocks = {}
for character in every:
    blocks.setdefault(ord(character) >> 8, []).append(character)
blocks = list(blocks.values())
ascii_text = [chr(c) for c in range(0x20, 0x7F)] + list("  \n\t\u2581aeiou")
emoji = [chr(c) for c in range(0x1F300, 0x1F650)]
markers = ["<s>", "</s>", "<unk>", "<bos>", "[CLS]", "[SEP]", "[MASK]", "<|im_start|>", "<|eot_id|>", "<0x41>", "\u2581"]


def text():
    pools = [random.choice([ascii_text, ascii_text, emoji, every, random.choice(blocks)]) for _ in range(3)]
    parts = []
    while random.random() < 0.97 and len(parts) < 80:
        parts.append(random.choice(markers) if random.random() < 0.04 else random.choice(random.choice(pools)))
        if random.random() < 0.15:
            parts.append(" " * random.randint(1, 3))
    return "".join(parts)


with gzip.GzipFile("random.json.gz", "wb", mtime=0) as output:
    output.write(json.dumps([text() for _ in range(2000)]).encode())
