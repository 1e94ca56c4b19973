"""BERT's encoder as published, small, and the same as an ONNX graph with the published names."""
import math
import pathlib
import sys

import numpy
import onnx
import torch
from onnx import TensorProto, helper
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "demo"))
from export import Graph  # noqa: E402

CONFIG = {
    "architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1, "classifier_dropout": None,
    "gradient_checkpointing": False, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 96,
    "initializer_range": 0.02, "intermediate_size": 192, "layer_norm_eps": 1e-12, "max_position_embeddings": 64,
    "model_type": "bert", "num_attention_heads": 4, "num_hidden_layers": 3, "pad_token_id": 0,
    "position_embedding_type": "absolute", "torch_dtype": "float32", "type_vocab_size": 2, "use_cache": True,
}


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        h, i, eps = c["hidden_size"], c["intermediate_size"], c["layer_norm_eps"]
        self.query, self.key, self.value, self.out = (nn.Linear(h, h) for _ in range(4))
        self.up, self.down = nn.Linear(h, i), nn.Linear(i, h)
        self.attention_norm, self.output_norm = nn.LayerNorm(h, eps), nn.LayerNorm(h, eps)
        self.heads = c["num_attention_heads"]

    def forward(self, x, mask):
        b, s, h = x.shape
        q, k, v = (f(x).view(b, s, self.heads, -1).transpose(1, 2) for f in (self.query, self.key, self.value))
        weights = (q @ k.transpose(2, 3) / math.sqrt(h // self.heads) + mask).softmax(-1)
        x = self.attention_norm(x + self.out((weights @ v).transpose(1, 2).reshape(b, s, h)))
        return self.output_norm(x + self.down(functional.gelu(self.up(x))))


class Bert(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, h = c, c["hidden_size"]
        self.words = nn.Embedding(c["vocab_size"], h)
        self.positions = nn.Embedding(c["max_position_embeddings"], h)
        self.types = nn.Embedding(c["type_vocab_size"], h)
        self.norm = nn.LayerNorm(h, c["layer_norm_eps"])
        self.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        for table in (self.words, self.positions, self.types):
            nn.init.normal_(table.weight, std=c["initializer_range"])

    def forward(self, ids, attention):
        """Last hidden states; `attention` is 1 for tokens and 0 for padding."""
        x = self.words(ids) + self.positions.weight[:ids.shape[1]] + self.types.weight[0]
        x, mask = self.norm(x), (1 - attention[:, None, None, :].float()) * -1e9
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def embed(self, ids, attention):
        """Mean of the tokens' states, of length one."""
        weight = attention[:, :, None].float()
        return functional.normalize((self(ids, attention) * weight).sum(1) / weight.sum(1), dim=-1)


def linear(g, x, name, module):
    return g.op("Add", g.linear(x, name + ".weight", module.weight), g.weight(name + ".bias", module.bias))


def layer_norm(g, x, name, norm):
    centred = g.op("Sub", x, g.op("ReduceMean", x, axes=[-1], keepdims=1))
    variance = g.op("ReduceMean", g.op("Mul", centred, centred), axes=[-1], keepdims=1)
    scaled = g.op("Div", centred, g.op("Sqrt", g.op("Add", variance, g.scalar(norm.eps))))
    scaled = g.op("Mul", scaled, g.weight(name + ".weight", norm.weight))
    return g.op("Add", scaled, g.weight(name + ".bias", norm.bias))


def build(net):
    c, g, f, i64 = net.c, Graph(), TensorProto.FLOAT, TensorProto.INT64
    h, heads = c["hidden_size"], c["num_attention_heads"]
    inputs = [helper.make_tensor_value_info(name, i64, ["batch_size", "sequence_length"])
              for name in ("input_ids", "attention_mask", "token_type_ids")]
    mask = g.op("Cast", g.op("Unsqueeze", "attention_mask", g.ints(1, 2)), to=f)
    mask = g.op("Mul", g.op("Sub", g.scalar(1.0), mask), g.scalar(-1e9))
    length = g.op("Gather", g.op("Shape", "input_ids"), g.ints(1), axis=0)
    positions = g.weight("embeddings.position_embeddings.weight", net.positions.weight)
    x = g.op("Gather", g.weight("embeddings.word_embeddings.weight", net.words.weight), "input_ids", axis=0)
    x = g.op("Add", x, g.op("Slice", positions, g.ints(0), length, g.ints(0)))
    kinds = g.weight("embeddings.token_type_embeddings.weight", net.types.weight)
    x = layer_norm(g, g.op("Add", x, g.op("Gather", kinds, "token_type_ids", axis=0)), "embeddings.LayerNorm", net.norm)
    for n, layer in enumerate(net.layers):
        at, split = f"encoder.layer.{n}.", {}
        for part in ("query", "key", "value"):
            y = linear(g, x, f"{at}attention.self.{part}", getattr(layer, part))
            y = g.op("Reshape", y, g.ints(0, 0, heads, h // heads))
            split[part] = g.op("Transpose", y, perm=[0, 2, 3, 1] if part == "key" else [0, 2, 1, 3])
        scores = g.op("Mul", g.op("MatMul", split["query"], split["key"]), g.scalar(1 / math.sqrt(h // heads)))
        weights = g.op("Softmax", g.op("Add", scores, mask), axis=-1)
        y = g.op("Transpose", g.op("MatMul", weights, split["value"]), perm=[0, 2, 1, 3])
        y = linear(g, g.op("Reshape", y, g.ints(0, 0, h)), at + "attention.output.dense", layer.out)
        x = layer_norm(g, g.op("Add", x, y), at + "attention.output.LayerNorm", layer.attention_norm)
        y = linear(g, x, at + "intermediate.dense", layer.up)
        half = g.op("Mul", y, g.scalar(0.5))
        y = g.op("Mul", half, g.op("Add", g.op("Erf", g.op("Mul", y, g.scalar(math.sqrt(0.5)))), g.scalar(1.0)))
        y = linear(g, y, at + "output.dense", layer.down)
        x = layer_norm(g, g.op("Add", x, y), at + "output.LayerNorm", layer.output_norm)
    g.op("Identity", x, out="last_hidden_state")
    outputs = [helper.make_tensor_value_info("last_hidden_state", f, ["batch_size", "sequence_length", h])]
    graph = helper.make_graph(g.nodes, "souk-embedding", inputs, outputs, g.constants)
    model = helper.make_model(graph, producer_name="souk-embedding", opset_imports=[helper.make_opsetid("", 14)])
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def tensors(rows):
    """Padded ids and attention."""
    longest = max(map(len, rows))
    ids = numpy.zeros((len(rows), longest), numpy.int64)
    for row, values in zip(ids, rows):
        row[:len(values)] = values
    attention = (numpy.arange(longest)[None, :] < numpy.array([len(row) for row in rows])[:, None]).astype(numpy.int64)
    return torch.from_numpy(ids), torch.from_numpy(attention)
