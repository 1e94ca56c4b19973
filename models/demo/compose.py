"""Compositions: two questions in one, two list operations, two steps of arithmetic; some pairs are held out."""
import itertools

import kinds
from facts import CAPITALS, DAYS, MONTHS, NAMES, WORDS

PAIRABLE = ["capital", "country", "multiplication", "unit-table", "day", "month", "calendar", "addition",
            "subtraction", "comparison", "unit", "counting", "sort-words", "sort-numbers", "reverse", "nth",
            "extreme", "parity"]

# Never in training, in neither order: every fifth unordered pair of kinds.
HELD_PAIRS = {frozenset(p) for i, p in enumerate(itertools.combinations(PAIRABLE, 2)) if i % 5 == 2}

FIRST_STEPS = {
    "sort": ("sort it", "Sorted", sorted), "reverse": ("reverse it", "Reversed", lambda l: l[::-1]),
    "drop-first": ("remove the first item", "Without the first", lambda l: l[1:]),
    "drop-last": ("remove the last item", "Without the last", lambda l: l[:-1]),
    "swap": ("swap the first and the last item", "Swapped", lambda l: [l[-1], *l[1:-1], l[0]]),
}
SECOND_STEPS = {
    **FIRST_STEPS,
    "first": ("give the first item", "First", lambda l: l[:1]),
    "last": ("give the last item", "Last", lambda l: l[-1:]),
    "second": ("give the second item", "Second", lambda l: l[1:2]),
    "count": ("count the items", "Count", lambda l: [len(l)]),
}
HELD_STEPS = {("sort", "reverse"), ("sort", "last"), ("reverse", "first"), ("reverse", "drop-last"),
              ("drop-last", "sort"), ("drop-first", "count"), ("swap", "second"), ("drop-first", "drop-last")}
HELD_CHAINS = {("+", "-"), ("-", "parity"), ("x", "compare"), ("-", "double")}

PROPER = set(CAPITALS) | {c for c in CAPITALS.values()} | set(DAYS) | set(MONTHS) | set(NAMES)


def lower_first(q):
    first = q.split(" ")[0].strip(":,.?'")
    proper = first in PROPER or any(q.startswith(p) for p in PROPER)
    return q if proper else q[0].lower() + q[1:]


def double(r, draw, pair):
    """Two questions in one message; draw(kind) gives (key, wordings, answer)."""
    (k1, w1, a1), (k2, w2, a2) = draw(pair[0]), draw(pair[1])
    q1, q2 = r.choice(w1), r.choice(w2)
    bare, low = q1.rstrip(".?"), lower_first(q2)
    wording = r.choice([f"{q1} {q2}", f"{q1} And {low}", f"{bare}, and {low}", f"{bare} and {low}",
                        f"{bare}; {low}", f"Two questions: {q1} {q2}", f"{q1} Also: {low}", f"First: {q1} Then: {q2}"])
    return ("double", pair, k1, k2), [wording], f"{a1} {a2}"


def show(name, items):
    return f"{SECOND_STEPS[name][1]}: {kinds.join(items)}."


def steps(r, pair):
    """Two operations on one list, shown step by step; ("sort", None) is one operation."""
    l = kinds.words(r) if r.random() < 0.6 else kinds.numbers(r)
    one = SECOND_STEPS[pair[0]][2](l)
    answer, t = show(pair[0], one), kinds.join(l)
    p1 = SECOND_STEPS[pair[0]][0]
    if pair[1] is None:
        return ("steps", pair, *l), [
            f"Take the list {t}: {p1}.", f"With the list {t}, {p1}.", f"List: {t}. {p1[0].upper()}{p1[1:]}.",
            f"Here is a list: {t}. Please {p1}."], answer
    p2 = SECOND_STEPS[pair[1]][0]
    return ("steps", pair, *l), [
        f"Take the list {t}: {p1}, then {p2}.", f"With the list {t}, {p1} and {p2}.",
        f"List: {t}. First {p1}, then {p2}.", f"Here is a list: {t}. Please {p1} and then {p2}.",
        f"Take {t}. {p1[0].upper()}{p1[1:]} and then {p2}."], \
        answer + " " + show(pair[1], SECOND_STEPS[pair[1]][2](one))


def chain(r, pair):
    """Arithmetic whose result is used again."""
    op, then = pair
    while True:
        a, b = (r.randrange(11), r.randrange(11)) if op == "x" else (kinds.number(r), kinds.number(r))
        c = {"+": a + b, "-": a - b, "x": a * b}[op]
        if 0 <= c < 100:
            break
    n = r.randrange(c + 1) if then == "-" else r.randrange(100)
    while then == "compare" and n == c:
        n = r.randrange(100)
    verb = {"+": f"add {a} and {b}", "-": f"subtract {b} from {a}", "x": f"multiply {a} by {b}"}[op]
    verb, sum_ = verb[0].upper() + verb[1:], f"{a} {op} {b}"
    step, told = {
        "+": (f"add {n}", f"{c} + {n} = {c + n}."), "-": (f"subtract {n}", f"{c} - {n} = {c - n}."),
        "double": ("double it", f"{c} + {c} = {c + c}."),
        "parity": ("say if it is even or odd", f"{c} is {'odd' if c % 2 else 'even'}."),
        "compare": (f"compare it with {n}", f"{max(c, n)} is larger than {min(c, n)}."),
    }[then]
    wordings = [f"{verb}, then {step}.", f"{verb} and then {step}.", f"Calculate {sum_}, then {step}.",
                f"Compute {sum_} and {step}.", f"What is {sum_}? Then {step}."]
    if then in "+-":
        wordings += [f"What is {sum_} {then} {n}?", f"{sum_} {then} {n}", f"Calculate {sum_} {then} {n}."]
    if then == "parity":
        wordings += [f"Is {sum_} even or odd?"]
    if then == "compare":
        wordings += [f"Which is larger, {sum_} or {n}?"]
    return ("chain", pair, a, b, n), wordings, f"{sum_} = {c}. {told}"


def all_pairs():
    return [(a, b) for a in PAIRABLE for b in PAIRABLE]


def all_steps():
    return [(a, b) for a in FIRST_STEPS for b in SECOND_STEPS if (a, b) not in
            {("sort", "sort"), ("reverse", "reverse"), ("swap", "swap")}]


def all_chains():
    return [(a, b) for a in "+-x" for b in ("+", "-", "double", "parity", "compare")]


TRAIN_PAIRS = [p for p in all_pairs() if frozenset(p) not in HELD_PAIRS]
TRAIN_STEPS = [p for p in all_steps() if p not in HELD_STEPS]
TRAIN_CHAINS = [p for p in all_chains() if p not in HELD_CHAINS]
HELD_PAIRS_ORDERED = [p for p in all_pairs() if frozenset(p) in HELD_PAIRS]
