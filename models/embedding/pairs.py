"""Pairs of wordings of one question from the demo model's generator, and the questions that training never sees."""
import hashlib
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "demo"))
from facts import SMALL_TALK  # noqa: E402
from kinds import KINDS  # noqa: E402

HELD_PER_KIND = 40


def is_held(kind, key):
    """A tenth of all operands, whatever the kind has, is left out of training altogether."""
    return hashlib.sha256(f"{kind} {key}".encode()).digest()[0] < 26


def draw(r, kind, held):
    """Wordings of one question of the kind with held-out operands or with others; None if none turned up."""
    for _ in range(400):
        key, wordings, _ = KINDS[kind][0](r)
        if is_held(kind, key) == held and len(set(wordings)) > 1:
            return key, sorted(set(wordings))
    return None


def batch(r, count):
    """Pairs of wordings, no two of one question. Half come in groups of kinds that draw from the same random state, so
    that operands often coincide and only the words around them tell the questions apart."""
    kinds, weights = list(KINDS), [kind[1] for kind in KINDS.values()]
    seen, pairs = set(), []
    while len(pairs) < count:
        state = r.randrange(1 << 60)
        for kind in r.choices(kinds, weights, k=r.choice([1, 1, 1, 4])):
            drawn = draw(random.Random(state), kind, held=False)
            if drawn and (kind, drawn[0]) not in seen:
                seen.add((kind, drawn[0]))
                pairs.append(tuple(r.sample(drawn[1], 2)))
        if r.random() < 0.05:
            topic = r.randrange(len(SMALL_TALK) - 1)
            if ("small talk", topic) not in seen:
                seen.add(("small talk", topic))
                pairs.append(tuple(r.sample(SMALL_TALK[topic][0], 2)))
    return pairs[:count]


def evaluation():
    """(kind, query, document): two wordings of each of up to 40 held-out questions of each kind. The queries are to
    find their own document among all."""
    r, items = random.Random(20261124), []
    for kind in KINDS:
        seen = set()
        for _ in range(HELD_PER_KIND * 8):
            drawn = draw(r, kind, held=True)
            if drawn and drawn[0] not in seen and len(seen) < HELD_PER_KIND:
                seen.add(drawn[0])
                items.append((kind, *r.sample(drawn[1], 2)))
    return items
