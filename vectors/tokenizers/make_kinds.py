"""Writes kinds.json: tokenizers of the kinds whose published files are too large or not at hand, with vocabularies made of
texts.json and every setting as published. Deterministic. A kind is a whole tokenizer.json, or names a "base" (another
kind, or llama2.json) and the sections that differ; of "model" only the members given differ.

usage: python3 make_kinds.py
"""
import json
import random

random.seed(20261124)
texts = json.load(open("texts.json", encoding="utf-8"))
llama2 = json.load(open("llama2.json", encoding="utf-8"))
MARK = "\u2581"


def special(vocab, names):
    return [{"id": vocab[n], "content": n, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True} for n in names]


def tokenizer(model, normalizer, pre, decoder, added, post=None):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
            "pre_tokenizer": pre, "post_processor": post, "decoder": decoder, "model": model}


def metaspace(scheme, split, mark=MARK):
    return {"type": "Metaspace", "replacement": mark, "prepend_scheme": scheme, "split": split}


def pieces(count, mark):
    """Substrings of the texts, frequent ones first, and most single characters; deterministic."""
    seen = {}
    for text in texts[:110]:
        text = mark + text.replace(" ", mark)
        for start in range(len(text)):
            for length in (2, 3, 4, 6):
                part = text[start:start + length]
                if len(part) == length and mark not in part[1:]:
                    seen[part] = seen.get(part, 0) + 1
    often = sorted(seen, key=lambda part: (-seen[part] * len(part), part))[:count]
    singles = sorted({c for text in texts for c in text if ord(c) % 7 and c.isprintable()} - {" "} | {mark})
    return singles + often


def unigram(bytes_too):
    head = ["<pad>", "</s>", "<unk>"] + ([f"<0x{value:02X}>" for value in range(256)] if bytes_too else [])
    vocab = [[token, 0.0] for token in head]
    for token in pieces(900, MARK):
        vocab.append([token, round(-random.uniform(3, 12) - (0 if len(token) > 1 else 3), 6)])
    ids = {token: index for index, (token, _) in enumerate(vocab)}
    return {"type": "Unigram", "unk_id": 2, "vocab": vocab, "byte_fallback": bytes_too}, ids


def wordpiece(longest):
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = pieces(1200, "\u0001")
    tokens = names + [w for w in words if "\u0001" not in w] + ["##" + w for w in words if "\u0001" not in w]
    tokens += [w.strip("\u0001").lower() for w in words if w.startswith("\u0001")]
    vocab = {}
    for token in tokens:
        if token and token not in vocab:
            vocab[token] = len(vocab)
    return {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": longest, "vocab": vocab}, vocab, names


BERT = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None}


def bert():
    model, vocab, names = wordpiece(100)
    cls = {"type": "TemplateProcessing",
           "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                      {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
           "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
           "special_tokens": {n: {"id": n, "ids": [vocab[n]], "tokens": [n]} for n in ("[CLS]", "[SEP]")}}
    return tokenizer(model, BERT | {"lowercase": True}, {"type": "BertPreTokenizer"},
                     {"type": "WordPiece", "prefix": "##", "cleanup": True}, special(vocab, names), cls)


def changed(base, **sections):
    return {"base": base} | sections


kinds = {}
# Mistral and Llama without the legacy prefix: the mark only at the very beginning.
kinds["llama-metaspace-first"] = changed("llama2", normalizer=None, pre_tokenizer=metaspace("first", False))
kinds["llama-metaspace-always"] = changed("llama2", normalizer=None, pre_tokenizer=metaspace("always", False))
kinds["llama-metaspace-split"] = changed("llama2", normalizer=None, pre_tokenizer=metaspace("first", True),
                                         decoder=metaspace("first", True))
kinds["llama-metaspace-never"] = changed("llama2", normalizer=None, pre_tokenizer=metaspace("never", True),
                                         decoder={"type": "Sequence", "decoders": [{"type": "ByteFallback"},
                                                                                   metaspace("never", True)]})
late = changed("llama2")
late["added_tokens"] = llama2["added_tokens"] + [
    {"id": len(llama2["model"]["vocab"]), "content": "user", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
     "special": False},
    {"id": len(llama2["model"]["vocab"]) + 1, "content": "<|im_end|>", "single_word": False, "lstrip": True, "rstrip": True, "normalized": False,
     "special": True}]
kinds["llama-added"] = late
# Characters without a way out into bytes: unknown ones are <unk>, joined or not, or passed over.
for name, model in {"fused": {"fuse_unk": True}, "unfused": {"fuse_unk": False}, "silent": {"unk_token": None}}.items():
    base = changed("llama2", model={"byte_fallback": False, "ignore_merges": name == "unfused"} | model)
    if name == "unfused":
        base |= {"normalizer": None, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "WhitespaceSplit"}, metaspace("always", True)]}, "decoder": metaspace("always", True)}
    kinds[f"characters-{name}"] = base
model, ids = unigram(False)
squeeze = {"type": "Sequence", "normalizers": [
    {"type": "Strip", "strip_left": False, "strip_right": True},
    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]}
kinds["unigram"] = tokenizer(model, squeeze, metaspace("always", True), metaspace("always", True),
                             special(ids, ["<pad>", "</s>", "<unk>"]))
kinds["unigram-whole"] = changed(
    "unigram", normalizer={"type": "Sequence", "normalizers": [
        {"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]},
    pre_tokenizer=metaspace("always", False), decoder=metaspace("always", False))
model, ids = unigram(True)
kinds["unigram-bytes"] = tokenizer(
    model, None, {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace("always", True)]},
    {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, metaspace("always", True)]},
    special(ids, ["<pad>", "</s>", "<unk>"]))
kinds["bert-uncased"] = bert()
kinds["bert-cased"] = changed("bert-uncased", normalizer=BERT | {"lowercase": False})
kinds["bert-plain"] = changed(
    "bert-uncased", normalizer=BERT | {"lowercase": False, "clean_text": False, "handle_chinese_chars": False,
                                       "strip_accents": True},
    pre_tokenizer={"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Isolated"}]},
    decoder={"type": "WordPiece", "prefix": "##", "cleanup": False})
with open("kinds.json", "w", encoding="utf-8") as output:
    output.write("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(kind, separators=(',', ':'))}"
                                    for name, kind in kinds.items()) + "\n}\n")
