"""Writes texts.json: texts that tell tokenizers apart. Deterministic."""
import json
import random

random.seed(20260901)
texts = [
    "", " ", "  ", "\n", "\r\n", "\t\t", "a", "Hello world", "Hello  world", "Hello   world  ", " leading", "trailing ",
    "I'm you're we'll they'd it's HE'S I'M WE'LL don'T o'clock 'tis", "can't've", "x'sy", "'S", "ſ'ſ",
    "1", "12", "123", "1234", "12345", "1,234,567.89", "3.14159e-10", "²³½ⅷ①٣४", "a1b22c333", "2024-11-24T08:10:00Z",
    "def f(x):\n    return x ** 2  # comment\n\n\nclass A:\n\tpass\n", "if (a<=b&&c!=d) { x += y[i++]; }", "\\n\\t\\\\",
    "https://example.com/path?q=1&r=%20#frag", "user@example.org", "{\"key\": [1, 2.5, null, true], \"k2\": {\"a\": \"b\"}}",
    "   \n   \n\n  x", "x\n\n\n\ny", "x \n y", "a\r\nb\rc\nd", "\u00a0nbsp\u2003em\u3000ideographic\u200bzero\ufeffbom", "tab\there",
    "Zażółć gęślą jaźń", "Grüße, Straße, ÄÖÜ", "naïve café résumé", "e\u0301 cafe\u0301 n\u0303", "\u1e9b\u0323", "Å\u0323 q\u0307\u0323",
    "Привет, мир! Как дела?", "Γειά σου Κόσμε", "שלום עולם", "مرحبا بالعالم ١٢٣", "नमस्ते दुनिया", "สวัสดีชาวโลก", "안녕하세요 세계",
    "\u1100\u1161\u11a8 \u1112\u1161\u11ab", "こんにちは世界", "カタカナ ﾊﾝｶｸ", "你好，世界！今天天气怎么样？", "漢字かな交じり文12個", "𠀀abc 𝒜𝓑𝔠 𝟘𝟙𝟚 𐐀𐐨", "a𠀀b1𝟙!🙂x",
    "🙂", "👩‍👩‍👧‍👦 family", "🇩🇪🇫🇷", "👍🏽", "♠♣♥♦", "…—–‘’“”«»", "™®©", "!!!???...", "#!/bin/bash", "$100 €50 £20", "a_b_c", "__init__",
    "camelCaseWordHTTPServer", "SCREAMING_SNAKE", "XMLHttpRequest2", "ǅungla ǈ", "ʰʲˠ", "a\u20dd b\u0903", "\u0000\u0001\u001f\u007f\u0085",
    "<|endoftext|>", "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", "a<|im_end|>b", " <|im_end|> ", "<|im_end|><|im_end|>",
    "<|im_start", "<|im_<|im_end|>end|>", "<think>\n\n</think>\n\n", "<tool_call>{\"name\": \"f\"}</tool_call>", "<|begin_of_text|>x<|eot_id|>",
    "<｜begin▁of▁sentence｜>hi<｜User｜>q<｜Assistant｜>", "<s> </s> <unk> <pad>", "x" * 200, "ab" * 300, " " * 100, "\n" * 70, "=" * 90,
    "word " * 40, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "1" * 50, "日" * 60, "é" * 45, "🙂" * 20,
]
pools = [
    [chr(c) for c in range(0x20, 0x7f)],
    [chr(c) for c in range(0x20, 0x250)] + ["\n", " ", " "],
    list("abcdefgh'smtdrevl  \n\r\t0123456789.,!?"),
    [chr(c) for c in list(range(0x370, 0x530)) + list(range(0x5d0, 0x700)) + list(range(0x900, 0xa00))] + [" "] * 40,
    [chr(c) for c in list(range(0x3040, 0x30ff)) + list(range(0x4e00, 0x4f00)) + list(range(0xac00, 0xac80))] + [" ", "1", "a"],
    [chr(c) for c in list(range(0x1d400, 0x1d500)) + list(range(0x1f300, 0x1f650)) + list(range(0x20000, 0x20050))] + [" ", "a", "1"],
    [chr(c) for c in range(0x300, 0x330)] + list("aeiounAEI") * 4,
    ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<think>", "</think>", " ", "\n", "a", "user", "<", "|", ">"],
]
for pool in pools:
    for _ in range(22):
        texts.append("".join(random.choice(pool) for _ in range(random.randint(1, 60))))
json.dump(texts, open("texts.json", "w", encoding="utf-8"), ensure_ascii=True, indent=0)
print(len(texts))
