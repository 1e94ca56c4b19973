"""The evaluation set, its check against the training text, the score of a model and of a look-up baseline."""
import collections
import json
import math
import pathlib
import re
import sys

import data
import model as llama

SET = pathlib.Path(__file__).resolve().parent / "eval" / "evaluation.jsonl"


def write_evaluation(path):
    items, _ = data.build_evaluation()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(i, ensure_ascii=False) + "\n" for i in items), encoding="utf-8")


def normal(answer):
    return " ".join(re.findall(r"[^\s.!?]+", answer.lower()))


def grade(items, answers):
    """Right answers overall and by kind: {kind: [right, of]}."""
    kinds, wrong = collections.defaultdict(lambda: [0, 0]), []
    for item, answer in zip(items, answers):
        right = normal(answer) == normal(item["answer"])
        kinds[item["kind"]][0] += right
        kinds[item["kind"]][1] += 1
        if not right:
            wrong.append((item["question"], item["answer"], answer))
    return sum(k[0] for k in kinds.values()) / len(items), dict(kinds), wrong


def ask(net, tok, items, size=50):
    order = sorted(range(len(items)), key=lambda i: len(items[i]["question"]))
    answers = [""] * len(items)
    for at in range(0, len(order), size):
        part = order[at:at + size]
        prompts = [tok.chat([("user", items[i]["question"])]) for i in part]
        for i, ids in zip(part, llama.generate(net, prompts, tok.special["<|end|>"], tok.special["<|pad|>"])):
            answers[i] = tok.decode(ids)
    return answers


def training_questions(n, seed=99):
    """n distinct training questions (by canonical form) with their answers."""
    gen, found = data.Generator(seed), {}
    while len(found) < n:
        question, answer = gen.exchange()
        found.setdefault(data.canonical(question), answer)
    return found


def baseline(items, n=60000):
    """Answers with the answer of the nearest training question (cosine of tf-idf over words and word pairs)."""
    def features(text):
        words = text.split()
        return collections.Counter(words + [" ".join(p) for p in zip(words, words[1:])])

    known = list(training_questions(n).items())
    counts = [features(q) for q, _ in known]
    df = collections.Counter(f for c in counts for f in c)
    idf = {f: math.log(n / d) + 1 for f, d in df.items()}
    index, norms = collections.defaultdict(list), []
    for i, c in enumerate(counts):
        norms.append(math.sqrt(sum((v * idf[f]) ** 2 for f, v in c.items())))
        for f, v in c.items():
            index[f].append((i, v * idf[f]))
    answers = []
    for item in items:
        score = collections.defaultdict(float)
        for f, v in features(data.canonical(item["question"])).items():
            for i, w in index.get(f, ()):
                score[i] += v * idf[f] * w
        best = max(score, key=lambda i: (score[i] / norms[i], -i), default=0)
        answers.append(known[best][1])
    return answers


def check_disjoint(items, n=200000):
    """No evaluation question, by canonical hash, among n generated training questions; shares within bounds."""
    held = {data.digest(i["question"]) for i in items}
    assert len(held) == len(items), "two evaluation questions are the same"
    gen = data.Generator(12345)
    for _ in range(n):
        assert data.digest(gen.exchange()[0]) not in held, "an evaluation question in training"
    facts, compositions = (sum(i[k] for i in items) / len(items) for k in ("fact", "composition"))
    assert facts <= 0.30 and compositions >= 0.20, (facts, compositions)
    return facts, compositions


def report(net, tok, path=None):
    items = data.load_evaluation(SET)
    facts, compositions = check_disjoint(items)
    total, by_kind, wrong = grade(items, ask(net, tok, items))
    looked_up, by_kind_base, _ = grade(items, baseline(items))
    result = {"items": len(items), "facts": facts, "compositions": compositions, "model": total,
              "baseline": looked_up,
              "kinds": {k: {"of": n, "model": r, "baseline": by_kind_base[k][0]} for k, (r, n) in by_kind.items()}}
    for row in wrong[:60]:
        print("wrong: %s | %s | %s" % row)
    print(json.dumps(result, indent=1))
    if path:
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


TRICKY = [
    "", " ", "  ", "\n", "\n\n", "\t", " \n ", "a", " a", "a ", "  a  b  ", "Hello, world!", "12345", "1 2 3",
    "3.14", "What is 12 + 34?", "I'm you're we'll they've he'd it's can't", "I'M YOU'RE", "'s", "'", "don''t",
    "snake_case_name", "camelCaseName", "x = y * (z - 1);", "if (a) {\n    return b;\n}\n",
    "http://example.org/a?b=c&d=1", "caf\u00e9", "cafe\u0301", "na\u00efve r\u00e9sum\u00e9",
    "\u00dcber stra\u00dfe", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440",
    "\u4f60\u597d\uff0c\u4e16\u754c", "\u3053\u3093\u306b\u3061\u306f", "\uc548\ub155",
    "\u0645\u0631\u062d\u0628\u0627", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u05e9\u05dc\u05d5\u05dd",
    '\U0001f600', '\U0001f468\u200d\U0001f469\u200d\U0001f467', '\U0001f1eb\U0001f1f7', 'a\U0001f600b',
    "\u00bd \u00b2 \u2167 \u0663", "\u4e00\u4e8c\u4e09", "\u20ac5 \u00a33 $7", "\u00a0a\u00a0b",
    "\u2003wide\u2003", "a\u200bb", "\ufeffbom", "a\r\nb\r\n", "a\rb", "a \n b", "tab\there", "\u0000", '\x7f',
    "\u001b[0m", "line\n\n\nline", "   \n   x", "end   ", "!!!", "...", "?!?!\n\n", "-", "--", "---", "a-b-c",
    "a - b", "#$%^&*()", "\"quoted\"", "<|", "|>", "<|usr|>", "<|user", "<| user |>", "<||>", "<|USER|>",
    "<|endoftext|>", "<|begin|", "[INST]", "</s>", "<s>", "<unk>", "<|user|>",
    "<|begin|><|user|>Hello<|end|><|assistant|>", "a<|end|>b", " <|end|> ", "<|user|><|user|>",
    "<|pad|>\n<|system|>", "\u0130stanbul", "\ufb01ne", "\u1e9e", "\xe9" * 5, "z\u0338\u0321a\u030al", "\u2028",
    "\u0085x", "0" * 20, "a" * 50, " " * 17, "\n" * 5,
]


def write_tokenizer_cases(tok, path):
    """Strings and ids. `special`: the text spells special tokens, which stand for themselves; `plain` are the ids
    of the same text when special tokens are not looked for."""
    items, _ = data.build_evaluation()
    texts = TRICKY + [i["question"] for i in items[::60]] + [i["answer"] for i in items[::80]]
    cases = []
    for text in texts:
        ids, plain = tok.encode(text), tok.encode_plain(text)
        assert tok.decode(ids, False) == text and tok.decode(plain, False) == text, text
        cases.append({"text": text, "ids": ids, **({"special": True, "plain": plain} if ids != plain else {})})
    path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n", encoding="utf-8")


def main():
    """Checks the committed set and scores the published directory (its weights, run by torch) and the baseline."""
    import export
    import tokenizer
    here = SET.parent.parent
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "model"
    items, _ = data.build_evaluation()
    assert items == data.load_evaluation(SET), "the committed set is not the one training leaves out"
    net = export.load(directory / "model.onnx")
    report(net, tokenizer.load(directory / "tokenizer.json", llama.Config.vocab))


if __name__ == "__main__":
    main()
