"""Makes the demo model from nothing: text, tokenizer, training (resumable), ONNX export, evaluation.

    /usr/bin/python3 models/demo/train.py --minutes 60

Works in models/demo/work/; run it again after an interruption and it goes on from the last checkpoint.
"""
import argparse
import os
import pathlib
import sys
import time

import torch
from torch.nn import functional

import batches
import data
import evaluate
import export
import model as llama
import optim
import tokenizer

HERE = pathlib.Path(__file__).resolve().parent


def get_tokenizer(work, vocab):
    path = work / "tokenizer.json"
    if not path.exists():
        gen = data.Generator(1)
        texts = [content for _ in range(20000) for _, content in gen.chat()]
        tokenizer.train(texts, vocab).save(work, llama.Config.context)
    return tokenizer.load(path, vocab)


def schedule(done):
    """Learning rate over the share of the training time: warm-up, then level, then down to nothing."""
    return min(1.0, done / 0.01 + 0.02, max(0.0, 1 - done) / 0.8)


def save(path, value):
    torch.save(value, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def worker(rank, args, tok, net, shared, barrier):
    """One process, one thread: two of these wait for each other less than two threads do."""
    torch.set_num_threads(1)
    llama.Linear.half = args.half
    opt = optim.Optimizer(net, shared, rank, args.workers)
    path, budget, average = args.work / "checkpoint.pt", args.minutes * 60, None
    last = saved = time.time()
    barrier.wait()
    while shared.clock[1] < budget:
        step, done = int(shared.clock[0]), float(shared.clock[1]) / budget
        ids, positions, mask, chosen, target = batches.batch(tok, args.seed + rank, step, args.tokens // args.workers)
        hidden, _ = net.trunk(ids, positions, mask)
        loss = functional.cross_entropy(net.head(hidden.view(-1, net.c.hidden)[chosen]), target)
        loss.backward()
        opt.bring()
        barrier.wait()
        opt.step(schedule(done), step)
        if rank == 0:
            now = time.time()
            shared.clock += torch.tensor([1, now - last], dtype=torch.float64)
            last = now
        barrier.wait()
        if rank == 0:
            step, spent = step + 1, float(shared.clock[1])
            average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
            if step % 50 == 0:
                print(f"step {step} loss {average:.4f} {spent / 60:.1f} min {step * args.tokens / spent:.0f} tok/s",
                      flush=True)
            if now - saved > 60 or spent >= budget:
                save(path, {"model": net.state_dict(), "optimizer": shared.state()})
                saved = now
        barrier.wait()


def train(args, tok):
    torch.manual_seed(args.seed)
    net = llama.Llama(llama.Config()).share_memory()
    shared, path = optim.Shared(net, args.workers), args.work / "checkpoint.pt"
    if path.exists():
        state = torch.load(path)
        net.load_state_dict(state["model"])
        shared.load(state["optimizer"])
    args.half = llama.half_is_faster()
    print(f"{sum(p.numel() for p in net.parameters())} parameters, from step {int(shared.clock[0])}, "
          f"{float(shared.clock[1]) / 60:.1f} min, bfloat16: {args.half}", flush=True)
    if shared.clock[1] < args.minutes * 60:
        context = torch.multiprocessing.get_context("spawn")
        torch.multiprocessing.spawn(worker, (args, tok, net, shared, context.Barrier(args.workers)), args.workers)
    return net


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="training time in all, kept over restarts")
    parser.add_argument("--tokens", type=int, default=4096, help="tokens in a batch")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2, help="processes, one core each")
    parser.add_argument("--work", type=pathlib.Path, default=HERE / "work")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    tok = get_tokenizer(args.work, llama.Config.vocab)
    net = train(args, tok)
    torch.set_num_threads(args.workers)
    evaluate.write_evaluation(HERE / "eval" / "evaluation.jsonl")
    evaluate.write_tokenizer_cases(tok, HERE / "eval" / "tokenizer_cases.json")
    export.publish(net, tok, args.work / "model")
    evaluate.report(net, tok, args.work / "scores.json")


# Memory is kept instead of being given back and asked for again at every step, which takes half the time.
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "100000000000",
               "MALLOC_TOP_PAD_": "64000000"}

if __name__ == "__main__":
    if any(os.environ.get(k) != v for k, v in ENVIRONMENT.items()):
        os.environ.update(ENVIRONMENT)
        os.execv(sys.executable, [sys.executable, *sys.argv])
    main()
