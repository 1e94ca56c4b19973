"""A byte-level BPE tokenizer: trains the merges, encodes (the reference for other encoders), writes tokenizer.json."""
import collections
import json
import re
import sys
import unicodedata

SPECIALS = ["<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|pad|>"]
BEGIN, END, SYSTEM, USER, ASSISTANT, PAD = SPECIALS

# As in Llama 3, but every digit is a token of its own.
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ '<|system|>' + (message['content'] | trim) + '<|end|>' }}"
    "{% elif message['role'] == 'user' %}{{ '<|user|>' + (message['content'] | trim) + '<|end|>' }}"
    "{% elif message['role'] == 'assistant' %}{{ '<|assistant|>' + (message['content'] | trim) + '<|end|>' }}"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")


def _ranges(letter):
    """The characters of one general category as the inside of a character class for `re`."""
    out, start = [], None
    for cp in range(sys.maxunicode + 2):
        inside = cp <= sys.maxunicode and unicodedata.category(chr(cp))[0] == letter
        if inside and start is None:
            start = cp
        elif not inside and start is not None:
            out.append(f"\\U{start:08x}-\\U{cp - 1:08x}")
            start = None
    return "".join(out)


def _compile():
    """PATTERN for Python's `re`, which knows no \\p{..}."""
    letter, number, space = _ranges("L"), _ranges("N"), "\\t\\n\\x0b\\x0c\\r\\x85" + _ranges("Z")
    return re.compile(
        f"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n{letter}{number}]?[{letter}]+|[{number}]"
        f"| ?[^{space}{letter}{number}]+[\\r\\n]*|[{space}]*[\\r\\n]+|[{space}]+(?![^{space}])|[{space}]+")


def byte_symbols():
    """GPT-2's printable stand-ins for the 256 bytes."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + extra)
            extra += 1
    return table


class Tokenizer:
    def __init__(self, merges, vocab_size):
        self.split = _compile()
        self.symbols = byte_symbols()
        self.bytes = {s: b for b, s in self.symbols.items()}
        self.merges = [tuple(m) for m in merges]
        self.ranks = {m: i for i, m in enumerate(self.merges)}
        self.vocab = {s: i for i, s in enumerate(sorted(self.bytes))}
        for a, b in self.merges:
            self.vocab.setdefault(a + b, len(self.vocab))
        self.special = {}
        for s in SPECIALS:
            self.special[s] = len(self.vocab) + len(self.special)
        if len(self.vocab) + len(self.special) != vocab_size:
            raise ValueError(f"{len(self.vocab) + len(self.special)} tokens instead of {vocab_size}")
        self.names = {i: s for s, i in list(self.vocab.items()) + list(self.special.items())}
        self.special_split = re.compile("(" + "|".join(re.escape(s) for s in SPECIALS) + ")")
        self.cache = {}

    def _word(self, piece):
        ids = self.cache.get(piece)
        if ids is None:
            parts = [self.symbols[b] for b in piece.encode()]
            while len(parts) > 1:
                rank, at = min((self.ranks.get(p, 1 << 30), i) for i, p in enumerate(zip(parts, parts[1:])))
                if rank == 1 << 30:
                    break
                parts[at:at + 2] = [parts[at] + parts[at + 1]]
            ids = self.cache[piece] = [self.vocab[p] for p in parts]
        return ids

    def encode_plain(self, text):
        """Text without special tokens."""
        return [i for piece in self.split.findall(text) for i in self._word(piece)]

    def encode(self, text):
        """Text in which the special tokens' spellings stand for themselves."""
        out = []
        for part in self.special_split.split(text):
            out += [self.special[part]] if part in self.special else self.encode_plain(part)
        return out

    def decode(self, ids, skip_special=True):
        data = bytearray()
        for i in ids:
            name = self.names[int(i)]
            if name in self.special:
                data += b"" if skip_special else name.encode()
            else:
                data += bytes(self.bytes[c] for c in name)
        return data.decode("utf-8", "replace")

    def chat(self, messages, generate=True):
        """The ids of a chat; every message is a (role, content) pair."""
        out = [self.special[BEGIN]]
        for role, content in messages:
            out += [self.special[f"<|{role}|>"], *self.encode_plain(content.strip()), self.special[END]]
        return out + [self.special[ASSISTANT]] if generate else out

    def save(self, directory, context):
        added = [{"id": i, "content": s, "single_word": False, "lstrip": False, "rstrip": False,
                  "normalized": False, "special": True} for s, i in self.special.items()]
        write_json(directory / "tokenizer.json", {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
            "post_processor": None,
            "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                      "ignore_merges": False, "vocab": self.vocab,
                      "merges": [f"{a} {b}" for a, b in self.merges]}})
        write_json(directory / "tokenizer_config.json", {
            "added_tokens_decoder": {str(a["id"]): {k: v for k, v in a.items() if k != "id"} for a in added},
            "add_bos_token": False, "add_eos_token": False,
            "bos_token": BEGIN, "eos_token": END, "pad_token": PAD, "unk_token": None,
            "chat_template": CHAT_TEMPLATE, "clean_up_tokenization_spaces": False,
            "model_max_length": context, "tokenizer_class": "PreTrainedTokenizerFast"})
        write_json(directory / "special_tokens_map.json", {
            "bos_token": BEGIN, "eos_token": END, "pad_token": PAD,
            "additional_special_tokens": [SYSTEM, USER, ASSISTANT]})


def load(path, vocab_size):
    model = json.loads(path.read_text(encoding="utf-8"))["model"]
    return Tokenizer([m.split(" ") for m in model["merges"]], vocab_size)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def train(texts, vocab_size):
    """Learns merges from an iterable of texts; ties go to the smaller pair, so the result is reproducible."""
    split, symbols = _compile(), byte_symbols()
    counts = collections.Counter(piece for text in texts for piece in split.findall(text))
    words = [([symbols[b] for b in piece.encode()], n) for piece, n in sorted(counts.items())]
    merges, known = [], set(symbols.values())
    while len(known) < vocab_size - len(SPECIALS):
        pairs = collections.Counter()
        for parts, n in words:
            for pair in zip(parts, parts[1:]):
                pairs[pair] += n
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        known.add(best[0] + best[1])
        for parts, _ in words:
            i = 0
            while i < len(parts) - 1:
                if parts[i] == best[0] and parts[i + 1] == best[1]:
                    parts[i:i + 2] = [best[0] + best[1]]
                i += 1
    return Tokenizer(merges, vocab_size)
