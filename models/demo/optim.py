"""Muon for the matrices inside the blocks, Adam for the embedding and the norms; split among processes.

Parameters, momentum and gradients live in shared memory: every process brings its gradients, then each updates
its own share of the parameters from the mean.
"""
import torch

import model


def orthogonal(g, half, rounds=5):
    """The nearest orthogonal matrix by a quintic Newton-Schulz iteration (only roughly, which is enough)."""
    tall = g.shape[0] > g.shape[1]
    x = g.t() if tall else g
    x = x / (x.norm() + 1e-7)
    x = x.bfloat16() if half else x
    for _ in range(rounds):
        a = x @ x.t()
        x = 3.4445 * x + torch.addmm(a, a, a, beta=-4.7750, alpha=2.0315) @ x
    x = x.float()
    return x.t() if tall else x


class Shared:
    """What the processes share besides the model."""

    def __init__(self, net, workers):
        self.gradients = torch.zeros(workers, sum(p.numel() for p in net.parameters())).share_memory_()
        self.first = [torch.zeros_like(p).share_memory_() for p in net.parameters()]
        self.second = [torch.zeros_like(p).share_memory_() for p in net.parameters()]
        self.clock = torch.zeros(2, dtype=torch.float64).share_memory_()  # steps done, seconds spent

    def state(self):
        return {"first": self.first, "second": self.second, "clock": self.clock}

    def load(self, state):
        for mine, theirs in zip(self.first + self.second + [self.clock],
                                state["first"] + state["second"] + [state["clock"]]):
            mine.copy_(theirs)


class Optimizer:
    def __init__(self, net, shared, rank, workers, muon=0.02, adam=0.004, decay=0.02):
        self.rates, self.decay, self.rank, self.mine = (muon, adam), decay, rank, []
        self.shared, at = shared, 0
        self.parameters = list(net.named_parameters())
        for i, (name, p) in enumerate(self.parameters):
            views = shared.gradients[:, at:at + p.numel()].view(workers, *p.shape)
            self.mine.append((p, views, i % workers == rank, p.dim() == 2 and name != "embed.weight",
                              shared.first[i], shared.second[i]))
            at += p.numel()

    @torch.no_grad()
    def bring(self):
        for p, views, *_ in self.mine:
            views[self.rank].copy_(p.grad)
            p.grad = None

    @torch.no_grad()
    def step(self, scale, step):
        muon, adam = self.rates[0] * scale, self.rates[1] * scale
        for p, views, own, matrix, first, second in self.mine:
            if not own:
                continue
            g = views.mean(0)
            if matrix:
                first.lerp_(g, 0.05)
                p.mul_(1 - muon * self.decay)
                update = orthogonal(g.lerp_(first, 0.95), model.Linear.half)
                p.add_(update, alpha=-muon * max(1, p.shape[0] / p.shape[1]) ** 0.5)
            else:
                first.lerp_(g, 0.1)
                second.mul_(0.98).addcmul_(g, g, value=0.02)
                size = (second / (1 - 0.98 ** (step + 1))).sqrt_().add_(1e-9)
                p.addcdiv_(first / (1 - 0.9 ** (step + 1)), size, value=-adam)
