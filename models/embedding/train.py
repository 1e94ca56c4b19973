"""Makes the demo embedding model from nothing: vocabulary, contrastive training, ONNX export, evaluation.

    /usr/bin/python3 models/embedding/train.py --minutes 6
"""
import argparse
import collections
import json
import math
import pathlib
import random
import time

import onnx
import torch

import bert
import pairs
import wordpiece

HERE = pathlib.Path(__file__).resolve().parent
TEMPERATURE = 0.05


def train(net, tok, minutes, rows):
    r, began = random.Random(7), time.time()
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    step, average = 0, None
    while (done := (time.time() - began) / (60 * minutes)) < 1:
        for group in opt.param_groups:
            group["lr"] = 1.5e-3 * min(1, step / 40 + 0.02) * (1 - done)
        drawn = pairs.batch(r, rows)
        left, right = (net.embed(*bert.tensors([tok.encode(pair[side]) for pair in drawn])) for side in (0, 1))
        scores, wanted = left @ right.t() / TEMPERATURE, torch.arange(rows)
        loss = (torch.nn.functional.cross_entropy(scores, wanted)
                + torch.nn.functional.cross_entropy(scores.t(), wanted)) / 2
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        step += 1
        average = loss.item() if average is None else 0.95 * average + 0.05 * loss.item()
        if step % 25 == 0:
            print(f"step {step} loss {average:.4f} {(time.time() - began) / 60:.1f} min", flush=True)
    return step


def bm25(documents, k1=1.2, b=0.75):
    """The usual lexical ranking, over the same words that the model sees."""
    rows = [collections.Counter(wordpiece.words(d)) for d in documents]
    mean = sum(sum(row.values()) for row in rows) / len(rows)
    found = collections.Counter(word for row in rows for word in row)
    weight = {w: math.log(1 + (len(rows) - n + 0.5) / (n + 0.5)) for w, n in found.items()}

    def score(query):
        out = []
        for row in rows:
            long = k1 * (1 - b + b * sum(row.values()) / mean)
            out.append(sum(weight[w] * row[w] * (k1 + 1) / (row[w] + long) for w in wordpiece.words(query) if w in row))
        return out
    return score


def measure(items, score):
    """Share of queries whose own document is first, and the mean reciprocal rank; ties count half against."""
    hits = total = 0.0
    by_kind = collections.defaultdict(list)
    for at, (kind, query, _) in enumerate(items):
        scores = score(query)
        above, same = sum(s > scores[at] for s in scores), sum(s == scores[at] for s in scores)
        rank = above + (same + 1) / 2
        by_kind[kind].append(rank == 1)
        hits, total = hits + (rank == 1), total + 1 / rank
    return hits / len(items), total / len(items), {k: sum(v) / len(v) for k, v in by_kind.items()}


def evaluate(net, tok):
    items = pairs.evaluation()
    with torch.no_grad():
        documents = net.embed(*bert.tensors([tok.encode(document) for _, _, document in items]))
        own = measure(items, lambda query: (documents @ net.embed(*bert.tensors([tok.encode(query)]))[0]).tolist())
    lexical = measure(items, bm25([document for _, _, document in items]))
    print(f"{len(items)} queries; model: first {own[0]:.3f}, MRR {own[1]:.3f}; "
          f"BM25: first {lexical[0]:.3f}, MRR {lexical[1]:.3f}")
    for kind in own[2]:
        print(f"  {kind:12} model {own[2][kind]:.2f}  BM25 {lexical[2][kind]:.2f}")


def publish(net, tok, directory):
    pooling = {"word_embedding_dimension": net.c["hidden_size"], "pooling_mode_cls_token": False,
               "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False,
               "pooling_mode_mean_sqrt_len_tokens": False}
    modules = [{"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
               for n, (path, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"),
                                                 ("2_Normalize", "Normalize")])]
    files = {"config.json": net.c, "1_Pooling/config.json": pooling, "modules.json": modules,
             "sentence_bert_config.json": {"max_seq_length": tok.longest, "do_lower_case": False}, **tok.files()}
    for name, value in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value, ensure_ascii=False, indent=None if name == "tokenizer.json" else 2) + "\n",
                        encoding="utf-8")
    (directory / "onnx").mkdir(exist_ok=True)
    onnx.save(bert.build(net), str(directory / "onnx" / "model.onnx"))


def expect(net, tok, path):
    """Vectors as torch computes them, for the tests of whoever runs the ONNX file."""
    texts = ["What is the capital of France?", "Capital of France?", "Add 3 and 5.", "3 + 5", "zebra, cafe!"]
    with torch.no_grad():
        rows = [{"text": text, "ids": tok.encode(text),
                 "vector": [round(v, 6) for v in net.double().embed(*bert.tensors([tok.encode(text)]))[0].tolist()]}
                for text in texts]
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--vocabulary", type=int, default=1000)
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "model")
    args = parser.parse_args()
    torch.manual_seed(7)
    torch.set_num_threads(1)
    r = random.Random(11)
    texts = [text for _ in range(30) for pair in pairs.batch(r, 500) for text in pair]
    vocab = wordpiece.vocabulary(texts, args.vocabulary)
    tok = wordpiece.WordPiece(vocab, bert.CONFIG["max_position_embeddings"])
    net = bert.Bert(bert.CONFIG | {"vocab_size": len(vocab)})
    print(f"{sum(p.numel() for p in net.parameters())} parameters, {len(vocab)} tokens")
    print(f"{train(net, tok, args.minutes, args.rows)} steps")
    publish(net, tok, args.output)
    evaluate(net, tok)
    with open(HERE / "evaluation.jsonl", "w", encoding="utf-8") as f:
        f.writelines(json.dumps({"kind": k, "query": q, "document": d}) + "\n" for k, q, d in pairs.evaluation())
    expect(net, tok, HERE / "expected.json")


if __name__ == "__main__":
    main()
