"""The kinds of questions: every function draws operands and returns (key, wordings, answer)."""
from facts import (CAPITALS, DAYS, MONTH_DAYS, MONTHS, NAMES, ORDINALS, SPELLED, THINGS, UNITS, WORDS)


def fill(templates, **slots):
    return [t.format(**slots) for t in templates]


def join(items):
    return ", ".join(map(str, items))


def number(r):
    return r.randrange(100) if r.random() < 0.8 else r.randrange(21)


def capital(r):
    c = r.choice(list(CAPITALS))
    return (c,), fill([
        "What is the capital of {c}?", "What's the capital of {c}?", "Name the capital of {c}.", "Capital of {c}?",
        "Tell me the capital of {c}.", "Which city is the capital of {c}?", "What is the capital city of {c}?",
        "Do you know the capital of {c}?", "Give me the capital of {c}.", "Which city is the capital city of {c}?",
        "What city is the capital of {c}?", "{c} has which capital?", "Which capital does {c} have?"],
        c=c), f"The capital of {c} is {CAPITALS[c]}."


def country(r):
    c = r.choice(list(CAPITALS))
    return (c,), fill([
        "{k} is the capital of which country?", "Which country has the capital {k}?",
        "Which country's capital is {k}?",
        "What country has {k} as its capital?", "{k} is the capital of what country?",
        "Name the country whose capital is {k}.", "Of which country is {k} the capital?"],
        k=CAPITALS[c]), f"{CAPITALS[c]} is the capital of {c}."


def add(r):
    a, b = number(r), number(r)
    return tuple(sorted((a, b))), fill([
        "What is {a} + {b}?", "{a} + {b}", "{a} + {b} = ?", "{a}+{b}", "{a}+{b}=", "Add {a} and {b}.",
        "What is {a} plus {b}?", "How much is {a} plus {b}?", "How much is {a} + {b}?", "Calculate {a} + {b}.",
        "What is the sum of {a} and {b}?", "Add {b} to {a}.", "{a} plus {b}",
        "Compute {a} plus {b}.", "What's {a} + {b}?"],
        a=a, b=b), f"{a} + {b} = {a + b}."


def sub(r):
    b, a = sorted((number(r), number(r)))
    return (a, b), fill([
        "What is {a} - {b}?", "{a} - {b}", "{a} - {b} = ?", "{a}-{b}", "{a}-{b}=", "Subtract {b} from {a}.",
        "What is {a} minus {b}?", "How much is {a} minus {b}?", "How much is {a} - {b}?", "Calculate {a} - {b}.",
        "Take {b} away from {a}.", "{a} minus {b}",
        "Compute {a} minus {b}.", "What's {a} - {b}?", "What is {a} take away {b}?"],
        a=a, b=b), f"{a} - {b} = {a - b}."


def mul(r):
    a, b = r.randrange(11), r.randrange(11)
    return (a, b), fill([
        "What is {a} x {b}?", "{a} x {b}", "{a} * {b} = ?", "{a} * {b}", "Multiply {a} by {b}.", "{a} times {b}",
        "What is {a} times {b}?", "How much is {a} times {b}?", "Calculate {a} x {b}.", "What is {a} * {b}?",
        "What is the product of {a} and {b}?", "Multiply {a} and {b}."],
        a=a, b=b), f"{a} x {b} = {a * b}."


def story(r):
    n, t, gain = r.choice(NAMES), r.choice(THINGS), r.random() < 0.5
    b, a = sorted((number(r), number(r)))
    if gain and r.random() < 0.5:
        a, b = b, a
    wordings = fill([
        "{n} has {a} {t} and gets {b} more. How many {t} does {n} have now?",
        "{n} had {a} {t} and bought {b} more. How many {t} does {n} have?",
        "{n} has {a} {t} and finds {b} more. How many are there now?",
    ] if gain else [
        "{n} has {a} {t} and loses {b}. How many {t} does {n} have now?",
        "{n} had {a} {t} and gave away {b}. How many {t} are left?",
        "{n} has {a} {t} and sells {b} of them. How many are left?",
    ], n=n, a=a, b=b, t=t)
    sign, c = ("+", a + b) if gain else ("-", a - b)
    return (sign, a, b), wordings, f"{a} {sign} {b} = {c}. {n} has {c} {t}."


def compare(r):
    a, b = r.sample(range(100), 2)
    if r.random() < 0.6:
        low, word, top = False, "larger", max(a, b)
        wordings = ["Which is larger, {a} or {b}?", "Which number is bigger, {a} or {b}?", "What is more, {a} or {b}?",
                    "Which is greater: {a} or {b}?"]
    else:
        low, word, top = True, "smaller", min(a, b)
        wordings = ["Which is smaller, {a} or {b}?", "Which number is smaller, {a} or {b}?",
                    "What is less, {a} or {b}?"]
    return (low, *sorted((a, b))), fill(wordings, a=a, b=b), f"{top} is {word} than {a + b - top}."


def parity(r):
    a = number(r)
    return (a,), fill(["Is {a} even or odd?", "Is {a} an even or an odd number?", "Even or odd: {a}?",
                       "Tell me if {a} is even or odd."], a=a), f"{a} is {'odd' if a % 2 else 'even'}."


def _unit(r, easy):
    many, one, small, factor = r.choice([u for u in UNITS if (u[3] in (10, 100, 1000)) == easy])
    n = r.randrange(1, 100) if easy else r.randrange(1, 13)
    big = one if n == 1 else many
    return (many, n), fill([
        "How many {s} are {n} {b}?", "Convert {n} {b} to {s}.", "How many {s} are in {n} {b}?", "{n} {b} in {s}",
        "{n} {b} in {s}?", "Express {n} {b} in {s}.", "{n} {b} is how many {s}?", "What is {n} {b} in {s}?",
        "Change {n} {b} into {s}.", "{n} {b} = ? {s}"], n=n, b=big, s=small), f"{n} {big} = {n * factor} {small}."


def unit(r):
    return _unit(r, True)


def unit_table(r):
    return _unit(r, False)


def _shift(r, names, what):
    """The item k places after or before another one."""
    i, k = r.randrange(len(names)), r.choice([1, 1, 1, 2, 2, 3, 3, 4, 5, 6])
    forward, n = r.random() < 0.5, names[i]
    other, word = names[(i + (k if forward else -k)) % len(names)], "after" if forward else "before"
    if k == 1:
        wordings = ["What {d} comes {w} {n}?", "Which {d} comes {w} {n}?", "Which {d} is right {w} {n}?",
                    "What is the {d} {w} {n}?", "Which {d} {v} {n}?", "Tell me the {d} {w} {n}.",
                    "Name the {d} that comes {w} {n}."]
        answer = f"{other} comes {word} {n}."
    else:
        wordings = ["What {d} is {k} {d}s {w} {n}?", "Which {d} comes {k} {d}s {w} {n}?",
                    "{k} {d}s {w} {n} is which {d}?", "What {d} is it {k} {d}s {w} {n}?",
                    "Name the {d} {k} {d}s {w} {n}."]
        answer = f"{k} {what}s {word} {n} is {other}."
    verb = "follows" if forward else "precedes"
    return (n, k, word), fill(wordings, d=what, w=word, n=n, k=k, v=verb), answer


def day(r):
    return _shift(r, DAYS, "day")


def month(r):
    return _shift(r, MONTHS, "month")


def calendar(r):
    pick = r.randrange(4)
    if pick == 0:
        i = r.randrange(12)
        return ("days", i), fill([
            "How many days does {m} have?", "How many days are in {m}?", "How long is {m}?", "{m} has how many days?",
            "What is the number of days in {m}?"], m=MONTHS[i]), f"{MONTHS[i]} has {MONTH_DAYS[i]} days."
    if pick == 1:
        i = r.randrange(12)
        return ("number", i), fill([
            "Which month is number {k}?", "What is month number {k}?", "What is the name of month {k}?",
            "Name month number {k}."], k=i + 1), f"Month {i + 1} is {MONTHS[i]}."
    if pick == 2:
        i = r.randrange(12)
        return ("position", i), fill([
            "What number is {m}?", "Which number does {m} have?", "What is the number of the month {m}?",
            "{m} is month number what?"], m=MONTHS[i]), f"{MONTHS[i]} is month {i + 1}."
    i = r.randrange(7)
    n = DAYS[i]
    said = f"Yes, {n} is a" if i > 4 else f"No, {n} is not a"
    return ("weekend", i), fill([
        "Is {n} a weekend day?", "Is {n} on the weekend?", "Does {n} belong to the weekend?",
        "Is {n} part of the weekend?"], n=n), f"{said} weekend day."


def listing(r):
    names, what = (DAYS, "days of the week") if r.random() < 0.6 else (MONTHS, "months")
    i = r.randrange(len(names)) if r.random() < 0.8 else 0
    wordings = fill(["List the {w} from {n}.", "List the {w} starting with {n}.", "Name the {w} from {n} on.",
                     "Name all {w} starting from {n}."], w=what, n=names[i])
    if i == 0:
        wordings += fill(["List the {w}.", "Name the {w}.", "What are the {w}?", "Tell me all {w}."], w=what)
    return (what, i), wordings, join(names[i:] + names[:i]) + "."


def count(r):
    a, n, step, down = r.randrange(90), r.randrange(4, 14), 1, r.random() < 0.3
    if r.random() < 0.25:
        step = r.choice([2, 5, 10])
        a, n = step * r.randrange(10), r.randrange(4, 10)
    items = list(range(a, a + step * n, step))
    if down:
        items.reverse()
    wordings = ["Count from {a} to {b}", "Count {w} from {a} to {b}", "Please count from {a} to {b}",
                "Give me the numbers from {a} to {b}", "List the numbers from {a} to {b}"]
    tail = "." if step == 1 else f" by {step}s." if r.random() < 0.5 else f" in steps of {step}."
    return (items[0], items[-1], step), fill([w + tail for w in wordings], a=items[0], b=items[-1],
                                             w="down" if down else "up"), join(items) + "."


def words(r, low=3, high=6):
    return r.sample(WORDS, r.randrange(low, high + 1))


def numbers(r, low=3, high=6):
    return r.sample(range(100), r.randrange(low, high + 1))


def sort_words(r):
    l = words(r)
    return tuple(sorted(l)), fill([
        "Sort these words: {l}.", "Sort the words {l}.", "Put these words in alphabetical order: {l}.",
        "Sort alphabetically: {l}.", "Sort {l}.", "Order these words alphabetically: {l}.",
        "Arrange in alphabetical order: {l}."], l=join(l)), f"Sorted: {join(sorted(l))}."


def sort_numbers(r):
    l = numbers(r)
    return tuple(sorted(l)), fill([
        "Sort these numbers: {l}.", "Sort the numbers {l}.", "Put these numbers in order: {l}.", "Sort {l}.",
        "Sort from smallest to largest: {l}.", "Order these numbers: {l}.", "Arrange in ascending order: {l}."],
        l=join(l)), f"Sorted: {join(sorted(l))}."


def reverse(r):
    l = words(r) if r.random() < 0.7 else numbers(r)
    return tuple(l), fill([
        "Reverse this list: {l}.", "Reverse {l}.", "Reverse the order: {l}.", "Reverse the order of {l}.",
        "Put this list in reverse order: {l}.", "Say this backwards: {l}.", "Write this list in reverse: {l}."],
        l=join(l)), f"Reversed: {join(l[::-1])}."


def nth(r):
    l = words(r)
    i = r.randrange(len(l))
    name = "last" if i == len(l) - 1 and r.random() < 0.7 else ORDINALS[i]
    return (name, *l), fill([
        "What is the {o} word in {l}?", "Which word is {o}: {l}?", "What is the {o} item of this list: {l}?",
        "Give me the {o} word: {l}.", "Name the {o} word of {l}."], o=name, l=join(l)), \
        f"The {name} word is {l[i]}."


def extreme(r):
    l, top = numbers(r, 3, 5), r.random() < 0.5
    wordings = fill(
        ["What is the largest number: {l}?", "Find the largest of {l}.", "What is the maximum of {l}?",
         "Which of these numbers is the biggest: {l}?"] if top else
        ["What is the smallest number: {l}?", "Find the smallest of {l}.", "What is the minimum of {l}?",
         "Which of these numbers is the smallest: {l}?"], l=join(l))
    return (top, *sorted(l)), wordings, f"The {'largest' if top else 'smallest'} is {max(l) if top else min(l)}."


def how_many(r):
    l = words(r, 2, 8)
    return tuple(l), fill([
        "How many words are in this list: {l}?", "Count the words: {l}.", "How many words are these: {l}?",
        "How long is this list: {l}?"], l=join(l)), f"The list has {len(l)} words."


def repeat(r):
    w, n = r.choice(WORDS), r.randrange(2, 11)
    return (w, n), fill(["Say {w} {n} times.", "Repeat {w} {n} times.", "Write {w} {n} times.",
                         "Repeat the word {w} {n} times."], w=w, n=n), " ".join([w] * n) + "."


def spell(r):
    w, back = r.choice(SPELLED), r.random() < 0.6
    if back:
        return (w, back), fill([
            "Spell {w} backwards.", "Reverse the word {w}.", "Write {w} backwards.", "What is {w} backwards?",
            "Reverse the letters of {w}."], w=w), f"{w} backwards is {'-'.join(w[::-1])}."
    return (w, back), fill([
        "Spell {w}.", "Spell the word {w}.", "How do you spell {w}?", "What are the letters of {w}?"],
        w=w), f"{w} is spelled {'-'.join(w)}."


def digits(r):
    d = "".join(r.choice("0123456789") for _ in range(r.randrange(3, 8)))
    return (d,), fill(["Reverse the digits of {d}.", "Write {d} backwards.", "Reverse the number {d}.",
                       "What is {d} backwards?"], d=d), f"{d} backwards is {d[::-1]}."


# name: (function, weight in training, number in the evaluation set, is a fact)
KINDS = {
    "capital": (capital, 5, 45, True), "country": (country, 3, 20, True), "multiplication": (mul, 3, 25, True),
    "unit-table": (unit_table, 4, 25, True), "day": (day, 2.5, 15, True), "month": (month, 3.5, 15, True),
    "calendar": (calendar, 2, 10, True), "listing": (listing, 1, 6, True), "spelling": (spell, 3, 12, True),
    "parity": (parity, 0.7, 2, True),
    "addition": (add, 12, 55, False), "subtraction": (sub, 13, 50, False), "story": (story, 5, 20, False),
    "comparison": (compare, 1.5, 15, False), "unit": (unit, 3, 30, False), "counting": (count, 3, 30, False),
    "sort-words": (sort_words, 7, 40, False), "sort-numbers": (sort_numbers, 5, 35, False),
    "reverse": (reverse, 3.5, 35, False), "nth": (nth, 2.5, 15, False), "extreme": (extreme, 2.5, 15, False),
    "how-many": (how_many, 1, 5, False), "repeat": (repeat, 0.7, 5, False), "digits": (digits, 2, 15, False),
}
