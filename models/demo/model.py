"""The Llama architecture in torch, for training and as the reference for the export."""
import dataclasses
import math
import time

import torch
from torch import nn
from torch.nn import functional


@dataclasses.dataclass
class Config:
    vocab: int = 1024
    hidden: int = 192
    layers: int = 6
    heads: int = 6
    kv_heads: int = 2
    head_dim: int = 32
    inner: int = 512
    context: int = 512
    eps: float = 1e-5
    theta: float = 10000.0


class Half(torch.autograd.Function):
    """a @ b with the operands rounded to bfloat16, which some processors multiply four times as fast."""

    @staticmethod
    def forward(ctx, a, b):
        a, b = a.bfloat16(), b.bfloat16()
        ctx.save_for_backward(a, b)
        return (a @ b).float()

    @staticmethod
    def backward(ctx, gradient):
        a, b = ctx.saved_tensors
        gradient = gradient.bfloat16()
        return (gradient @ b.transpose(-2, -1)).float(), (a.transpose(-2, -1) @ gradient).float()


class Linear(nn.Linear):
    """Without bias; `half` is for training, exported and evaluated models always calculate in float32."""
    half = False

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x):
        if Linear.half and self.training:
            return Half.apply(x.reshape(-1, x.shape[-1]), self.weight.t()).view(*x.shape[:-1], -1)
        return super().forward(x)


def half_is_faster():
    times = {}
    for kind in (torch.float32, torch.bfloat16):
        a, b = torch.randn(2048, 256).to(kind), torch.randn(512, 256).to(kind).t()
        for _ in range(10):
            start = time.perf_counter()
            a @ b
            times[kind] = min(times.get(kind, 9), time.perf_counter() - start)
    return times[torch.bfloat16] < 0.7 * times[torch.float32]


class Norm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(c.hidden)), c.eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rotate(x, cos, sin):
    """Rotary positions, the half-rotation convention; cos and sin are [b, 1, s, head_dim]."""
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.input_norm, self.post_norm = Norm(c), Norm(c)
        self.qkv = Linear(c.hidden, (c.heads + 2 * c.kv_heads) * c.head_dim)
        self.o = Linear(c.heads * c.head_dim, c.hidden)
        self.gate_up = Linear(c.hidden, 2 * c.inner)
        self.down = Linear(c.inner, c.hidden)

    def forward(self, x, cos, sin, mask, past=None):
        c, (b, s, _) = self.c, x.shape
        heads = self.qkv(self.input_norm(x)).view(b, s, -1, c.head_dim).transpose(1, 2)
        turned = rotate(heads[:, :c.heads + c.kv_heads], cos, sin)
        q, k, v = turned[:, :c.heads], turned[:, c.heads:], heads[:, c.heads + c.kv_heads:]
        if past is not None:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        group = c.heads // c.kv_heads
        q = q.reshape(b, c.kv_heads, group * s, c.head_dim) / math.sqrt(c.head_dim)
        product = Half.apply if Linear.half and self.training else torch.matmul
        scores = product(q, k.transpose(2, 3)).view(b, c.kv_heads, group, s, -1)
        weights = torch.softmax(scores.add_(mask), -1).view(b, c.kv_heads, group * s, -1)
        mixed = product(weights, v).view(b, c.heads, s, c.head_dim).transpose(1, 2).reshape(b, s, -1)
        x = x + self.o(mixed)
        gate, up = self.gate_up(self.post_norm(x)).chunk(2, -1)
        return x + self.down(functional.silu(gate) * up), (k, v)


class Llama(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed = nn.Embedding(c.vocab, c.hidden)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.norm = Norm(c)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                scale = 0.02 if name == "embed.weight" else 1 / math.sqrt(p.shape[1])
                nn.init.normal_(p, std=scale / (math.sqrt(2 * c.layers) if ".o." in name or "down" in name else 1))

    def trunk(self, ids, positions, mask, past=None):
        """Hidden states and the keys and values of every layer; mask is added to scores [b, kv, group, s, total]."""
        c = self.c
        inverse = c.theta ** (-torch.arange(0, c.head_dim, 2).float() / c.head_dim)
        angles = positions[:, None, :, None].float() * inverse
        angles = torch.cat((angles, angles), -1)
        cos, sin, x, present = angles.cos(), angles.sin(), self.embed(ids), []
        for i, block in enumerate(self.blocks):
            x, kv = block(x, cos, sin, mask, past[i] if past else None)
            present.append(kv)
        return self.norm(x), present

    def head(self, x):
        return x @ self.embed.weight.t()

    def forward(self, ids, attention_mask, positions, past=None):
        """What the exported graph computes."""
        total, s = attention_mask.shape[1], ids.shape[1]
        causal = torch.arange(total)[None, :] <= torch.arange(total - s, total)[:, None]
        allowed = causal[None] & (attention_mask[:, None, :] != 0)
        mask = torch.where(allowed, 0.0, -1e9)[:, None, None]
        x, present = self.trunk(ids, positions, mask, past)
        return self.head(x), present


@torch.no_grad()
def generate(model, prompts, end, pad, limit=160):
    """Greedy answers for a list of id lists (left-padded batch)."""
    model.eval()
    width, n = max(map(len, prompts)), len(prompts)
    ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    out, done, past = [[] for _ in prompts], [False] * n, None
    for _ in range(limit):
        logits, past = model(ids, mask, positions, past)
        picked = logits[:, -1].argmax(-1)
        for i, t in enumerate(picked.tolist()):
            done[i] = done[i] or t == end
            if not done[i]:
                out[i].append(t)
        if all(done):
            break
        ids, positions = picked[:, None], positions[:, -1:] + 1
        mask = torch.cat((mask, torch.ones(n, 1, dtype=mask.dtype)), 1)
    return out
