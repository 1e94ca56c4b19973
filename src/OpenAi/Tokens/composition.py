"""Writes composition.txt, the data of Unicode normalization form C, from the Unicode character database.

usage: python3 composition.py DIRECTORY > composition.txt
DIRECTORY holds UnicodeData.txt and DerivedNormalizationProps.txt (Debian package unicode-data).
"""
import re
import sys

directory = sys.argv[1]
classes, decompositions, excluded = {}, {}, set()
for line in open(f"{directory}/UnicodeData.txt", encoding="utf-8"):
    fields = line.split(";")
    code = int(fields[0], 16)
    if int(fields[3]):
        classes[code] = int(fields[3])
    if fields[5] and not fields[5].startswith("<"):
        decompositions[code] = fields[5]
for line in open(f"{directory}/DerivedNormalizationProps.txt", encoding="utf-8"):
    version = re.match(r"# DerivedNormalizationProps-(\S+)\.txt", line)
    if version:
        print(f"# Unicode {version[1]}, (c) Unicode, Inc., Unicode License v3; written by composition.py.")
    found = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*; Full_Composition_Exclusion", line)
    if found:
        excluded.update(range(int(found[1], 16), int(found[2] or found[1], 16) + 1))

print("# C class first-last: canonical combining class; D code parts: decomposes and composes; X: decomposes only.")
codes = sorted(classes)
while codes:
    first = last = codes.pop(0)
    while codes and codes[0] == last + 1 and classes[codes[0]] == classes[first]:
        last = codes.pop(0)
    print(f"C {classes[first]} {first:X} {last:X}")
for code in sorted(decompositions):
    print("X" if code in excluded else "D", f"{code:X}", decompositions[code])
