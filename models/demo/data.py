"""Generates the chats for training and the evaluation set, and keeps the two apart."""
import hashlib
import json
import random
import re

import compose
from facts import CAPITALS, NAME_QUESTIONS, NAME_STATEMENTS, NAMES, SMALL_TALK, SYSTEM_PROMPTS
from kinds import KINDS

EVALUATION_SEED = 20240607
COMPOSITIONS = {"double": 130, "steps": 85, "chain": 45}
PREFIXES = ["Please tell me: ", "Can you tell me: ", "Question: ", "Hey, ", "I have a question. ", "Please: "]


def canonical(question):
    """Lower-cased text without punctuation; the signs of arithmetic are operands and become words."""
    text = question.lower()
    text = re.sub(r"\s*\+\s*", " plus ", text)
    text = re.sub(r"(?<=\d)\s*-\s*(?=\d)", " minus ", text)
    text = re.sub(r"\s*\*\s*", " times ", text)
    return " ".join(re.findall(r"\w+", text))


def digest(question):
    return hashlib.sha256(canonical(question).encode()).hexdigest()[:24]


def load_evaluation(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def build_evaluation():
    """The evaluation items and the operand keys that training leaves out altogether."""
    r, items, seen, keys = random.Random(EVALUATION_SEED), [], set(), set()

    def put(kind, drawn, fact, composition):
        key, wordings, answer = drawn
        question = r.choice(wordings)
        if digest(question) in seen or (not fact and (kind, key) in keys):
            return False
        seen.add(digest(question))
        if not fact:
            keys.add((kind, key))
        items.append({"id": f"{kind}-{sum(i['kind'] == kind for i in items) + 1:03d}", "kind": kind,
                      "question": question, "answer": answer, "fact": fact, "composition": composition})
        return True

    for kind, (function, _, wanted, fact) in KINDS.items():
        while wanted:
            wanted -= put(kind, function(r), fact, False)
    makers = {
        "double": lambda: compose.double(r, lambda k: KINDS[k][0](r), r.choice(compose.HELD_PAIRS_ORDERED)),
        "steps": lambda: compose.steps(r, r.choice(sorted(compose.HELD_STEPS))),
        "chain": lambda: compose.chain(r, r.choice(sorted(compose.HELD_CHAINS))),
    }
    for kind, wanted in COMPOSITIONS.items():
        while wanted:
            wanted -= put(kind, makers[kind](), False, True)
    return items, keys


class Generator:
    """Training exchanges; nothing it gives has a canonical question or a held-out operand key of the evaluation."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        items, self.keys = build_evaluation()
        self.held = {digest(i["question"]) for i in items}
        self.names = list(KINDS)
        self.weights = [k[1] for k in KINDS.values()]

    def draw(self, kind):
        while True:
            key, wordings, answer = KINDS[kind][0](self.r)
            if (kind, key) not in self.keys:
                return key, wordings, answer

    def exchange(self):
        """One question and its answer."""
        r = self.r
        while True:
            x = r.random()
            if x < 0.62:
                drawn = self.draw(r.choices(self.names, self.weights)[0])
            elif x < 0.80:
                drawn = compose.double(r, self.draw, r.choice(compose.TRAIN_PAIRS))
            elif x < 0.90:
                drawn = compose.steps(r, r.choice(compose.TRAIN_STEPS))
            elif x < 0.92:
                drawn = compose.steps(r, (r.choice(list(compose.SECOND_STEPS)), None))
            elif x < 0.98:
                drawn = compose.chain(r, r.choice(compose.TRAIN_CHAINS))
            else:
                wordings, answer = r.choice(SMALL_TALK)
                drawn = (), wordings, answer
            question, answer = r.choice(drawn[1]), drawn[2]
            if digest(question) in self.held:
                continue
            noisy = self.noise(question)
            if digest(noisy) not in self.held:
                return noisy, answer

    def noise(self, q):
        r = self.r
        if r.random() < 0.12:
            q = q.rstrip(".?")
        if r.random() < 0.06:
            q = r.choice(PREFIXES) + compose.lower_first(q)
        if r.random() < 0.10:
            q = q.lower()
        return q

    def chat(self, turns=None):
        """A whole chat as (role, content) pairs."""
        r, out = self.r, []
        if r.random() < 0.2:
            out.append(("system", r.choice(SYSTEM_PROMPTS)))
        if turns is None:
            turns = r.choices([1, 2, 3], [75, 18, 7])[0]
        name = answer = None
        for _ in range(turns):
            x = r.random()
            if turns > 1 and name is None and x < 0.08:
                name = r.choice(NAMES)
                question, answer = r.choice(NAME_STATEMENTS).format(n=name), f"Nice to meet you, {name}!"
            elif turns > 1 and x < 0.14:
                question = self.noise(r.choice(NAME_QUESTIONS))
                answer = f"Your name is {name}." if name else "You have not told me your name."
            elif x > 0.5 and answer and answer.startswith("The capital of") and answer.count(".") == 1:
                country = r.choice(list(CAPITALS))
                question = self.noise(r.choice(["And of {c}?", "And {c}?", "What about {c}?"]).format(c=country))
                answer = f"The capital of {country} is {CAPITALS[country]}."
            else:
                question, answer = self.exchange()
            out += [("user", question), ("assistant", answer)]
        return out
