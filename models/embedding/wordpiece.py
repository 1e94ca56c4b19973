"""BERT's uncased WordPiece over ASCII text: makes the vocabulary, encodes, and writes tokenizer.json."""
import collections
import json
import re

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PAD, UNK, CLS, SEP, MASK = range(5)
LONGEST_WORD = 100


def words(text):
    """What BertNormalizer and BertPreTokenizer make of ASCII text."""
    return re.findall(r"[a-z0-9]+|[^\sa-z0-9]", text.lower())


def vocabulary(texts, size):
    """Specials, every character at the start of a word and within one, then the most frequent words."""
    counts = collections.Counter(word for text in texts for word in words(text))
    letters = sorted({c for word in counts for c in word} | set("abcdefghijklmnopqrstuvwxyz0123456789"))
    tokens = SPECIALS + letters + ["##" + c for c in letters if c.isalnum()]
    often = sorted((w for w in counts if len(w) > 1), key=lambda w: (-counts[w], w))
    return {token: index for index, token in enumerate((tokens + often)[:size])}


class WordPiece:
    def __init__(self, vocab, longest):
        self.vocab, self.longest = vocab, longest

    def word(self, word):
        ids, start = [], 0
        while start < len(word):
            end = len(word)
            while end > start and ("##" if start else "") + word[start:end] not in self.vocab:
                end -= 1
            if end == start:
                return [UNK]
            ids.append(self.vocab[("##" if start else "") + word[start:end]])
            start = end
        return ids

    def encode(self, text):
        ids = [i for word in words(text) for i in (self.word(word) if len(word) <= LONGEST_WORD else [UNK])]
        return [CLS] + ids[:self.longest - 2] + [SEP]

    def files(self):
        """By name, the published files of a BERT tokenizer."""
        frame = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                 {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]
        pair = frame + [{"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}]
        special = {name: {"id": name, "ids": [self.vocab[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]")}
        names = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
                 "mask_token": "[MASK]"}
        return {
            "tokenizer.json": {
                "version": "1.0", "truncation": None, "padding": None,
                "added_tokens": [{"id": i, "content": name, "single_word": False, "lstrip": False, "rstrip": False,
                                  "normalized": False, "special": True} for i, name in enumerate(SPECIALS)],
                "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                               "strip_accents": None, "lowercase": True},
                "pre_tokenizer": {"type": "BertPreTokenizer"},
                "post_processor": {"type": "TemplateProcessing", "single": frame, "pair": pair,
                                   "special_tokens": special},
                "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
                "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                          "max_input_chars_per_word": LONGEST_WORD, "vocab": self.vocab}},
            "tokenizer_config.json": names | {
                "do_lower_case": True, "model_max_length": self.longest, "strip_accents": None,
                "tokenize_chinese_chars": True, "tokenizer_class": "BertTokenizer"},
            "special_tokens_map.json": names}


def load(directory):
    with open(directory / "tokenizer.json", encoding="utf-8") as f:
        tokenizer = json.load(f)
    with open(directory / "tokenizer_config.json", encoding="utf-8") as f:
        return WordPiece(tokenizer["model"]["vocab"], json.load(f)["model_max_length"])
