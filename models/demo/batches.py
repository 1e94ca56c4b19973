"""Turns generated chats into batches; the batch of a step depends on the seed and the step alone."""
import numpy
import torch

import data

SHORT, LONG = 128, 512


def encode_chat(tok, messages):
    """The ids of a chat and, for every id, whether the model has to predict it."""
    ids, wanted = [tok.special["<|begin|>"]], [False]
    for role, content in messages:
        body = [*tok.encode_plain(content), tok.special["<|end|>"]]
        ids += [tok.special[f"<|{role}|>"], *body]
        wanted += [False] + [role == "assistant"] * len(body)
    return ids, wanted


def rows_short(tok, gen, n):
    """Several chats in one row, each seeing only itself."""
    rows, misses = [[] for _ in range(n)], 0
    while misses < 6:
        chat = encode_chat(tok, gen.chat())
        for row in rows:
            if sum(len(c[0]) for c in row) + len(chat[0]) <= SHORT:
                row.append(chat)
                break
        else:
            misses += len(chat[0]) <= 40
    return rows, SHORT


def rows_long(tok, gen, n):
    """One long chat a row, so that the whole context is trained."""
    rows = []
    for _ in range(n):
        ids, wanted = encode_chat(tok, gen.chat(16))
        rows.append([(ids[:LONG], wanted[:LONG])])
    return rows, LONG


def batch(tok, seed, step, tokens):
    """ids, positions, additive mask [b, 1, 1, s, s], and the flat indices and ids of the targets."""
    gen = data.Generator(seed * 10_000_019 + step)
    if step % 20 == 19:
        rows, width = rows_long(tok, gen, max(1, tokens // LONG // 2))
    else:
        rows, width = rows_short(tok, gen, tokens // SHORT)
    n = len(rows)
    ids = numpy.full((n, width), tok.special["<|pad|>"], numpy.int64)
    positions, part = numpy.zeros((n, width), numpy.int64), numpy.full((n, width), -1, numpy.int64)
    target = numpy.full((n, width), -1, numpy.int64)
    for i, row in enumerate(rows):
        at = 0
        for j, (chat, wanted) in enumerate(row):
            end = at + len(chat)
            ids[i, at:end], positions[i, at:end], part[i, at:end] = chat, numpy.arange(len(chat)), j
            target[i, at:end - 1] = [c if w else -1 for c, w in zip(chat[1:], wanted[1:])]
            at = end
    same = part[:, :, None] == part[:, None, :]
    allowed = same & numpy.tril(numpy.ones((width, width), bool))
    mask = numpy.where(allowed, numpy.float32(0), numpy.float32(-1e9))[:, None, None]
    flat = target.reshape(-1)
    chosen = numpy.nonzero(flat >= 0)[0]
    return tuple(map(torch.from_numpy, (ids, positions, mask, chosen, flat[chosen])))
