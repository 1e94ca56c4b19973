"""Writes the published directory: configuration, tokenizer, and the ONNX graph, built operation by operation."""
import math
import os
import pathlib

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import model as llama
import tokenizer


class Graph:
    def __init__(self):
        self.nodes, self.constants, self.known, self.count = [], [], {}, 0

    def constant(self, value, name=None):
        key = name or (value.dtype.str, value.shape, value.tobytes())
        if key not in self.known:
            self.known[key] = name or f"const_{len(self.constants)}"
            self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value), self.known[key]))
        return self.known[key]

    def ints(self, *values):
        return self.constant(numpy.array(values, numpy.int64))

    def scalar(self, value):
        return self.constant(numpy.array(value, numpy.float32))

    def op(self, kind, *inputs, out=None, outputs=1, **attributes):
        self.count += 1
        names = [out] if out else [f"{kind.lower()}_{self.count}" + (f"_{i}" if i else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=f"{kind}_{self.count}", **attributes))
        return names[0] if outputs == 1 else names

    def weight(self, name, tensor):
        return self.constant(tensor.detach().numpy().astype(numpy.float32), name)

    def linear(self, x, name, tensor):
        return self.op("MatMul", x, self.weight(name, tensor.t()))

    def norm(self, x, name, norm):
        power = self.op("ReduceMean", self.op("Mul", x, x), axes=[-1], keepdims=1)
        root = self.op("Sqrt", self.op("Add", power, self.scalar(norm.eps)))
        return self.op("Mul", self.op("Div", x, root), self.weight(name, norm.weight))

    def rope(self, x, cos, sin, half):
        a, b = self.op("Split", x, self.ints(half, half), outputs=2, axis=-1)
        turned = self.op("Concat", self.op("Neg", b), a, axis=-1)
        return self.op("Add", self.op("Mul", x, cos), self.op("Mul", turned, sin))


def build(net):
    """The ONNX model with the inputs and outputs of published decoders with a cache."""
    c, g, f, i64 = net.c, Graph(), TensorProto.FLOAT, TensorProto.INT64
    group, half = c.heads // c.kv_heads, c.head_dim // 2
    inputs = [helper.make_tensor_value_info("input_ids", i64, ["batch_size", "sequence_length"]),
              helper.make_tensor_value_info("attention_mask", i64, ["batch_size", "total_sequence_length"]),
              helper.make_tensor_value_info("position_ids", i64, ["batch_size", "sequence_length"])]
    outputs = [helper.make_tensor_value_info("logits", f, ["batch_size", "sequence_length", c.vocab])]

    length = g.op("Gather", g.op("Shape", "input_ids"), g.ints(1), axis=0)
    total = g.op("Gather", g.op("Shape", "attention_mask"), g.ints(1), axis=0)
    empty, zero, one = g.ints(), g.constant(numpy.array(0, numpy.int64)), g.constant(numpy.array(1, numpy.int64))
    keys = g.op("Range", zero, g.op("Reshape", total, empty), one)
    past = g.op("Sub", total, length)
    queries = g.op("Add", g.op("Range", zero, g.op("Reshape", length, empty), one), past)
    causal = g.op("LessOrEqual", g.op("Unsqueeze", keys, g.ints(0)), g.op("Unsqueeze", queries, g.ints(1)))
    real = g.op("Cast", g.op("Unsqueeze", "attention_mask", g.ints(1, 2, 3)), to=TensorProto.BOOL)
    mask = g.op("Where", g.op("And", real, causal), g.scalar(0.0), g.scalar(-1e9))

    inverse = (c.theta ** (-numpy.arange(0, c.head_dim, 2, dtype=numpy.float32) / c.head_dim)).astype(numpy.float32)
    places = g.op("Cast", g.op("Unsqueeze", "position_ids", g.ints(1, 3)), to=f)
    angles = g.op("Mul", places, g.constant(inverse))
    angles = g.op("Concat", angles, angles, axis=-1)
    cos, sin = g.op("Cos", angles), g.op("Sin", angles)

    x = g.op("Gather", g.weight("model.embed_tokens.weight", net.embed.weight), "input_ids", axis=0)
    for n, block in enumerate(net.blocks):
        at, q_end, k_end = f"model.layers.{n}.", c.heads * c.head_dim, (c.heads + c.kv_heads) * c.head_dim
        h = g.norm(x, at + "input_layernorm.weight", block.input_norm)
        heads = {}
        for letter, low, high in (("q", 0, q_end), ("k", q_end, k_end), ("v", k_end, None)):
            y = g.linear(h, f"{at}self_attn.{letter}_proj.weight", block.qkv.weight[low:high])
            y = g.op("Reshape", y, g.ints(0, 0, -1, c.head_dim))
            heads[letter] = g.op("Transpose", y, perm=[0, 2, 1, 3])
        q, k = g.rope(heads["q"], cos, sin, half), g.rope(heads["k"], cos, sin, half)
        cache = {}
        for kind, fresh in (("key", k), ("value", heads["v"])):
            shape = ["batch_size", c.kv_heads, "past_sequence_length", c.head_dim]
            inputs.append(helper.make_tensor_value_info(f"past_key_values.{n}.{kind}", f, shape))
            shape = ["batch_size", c.kv_heads, "total_sequence_length", c.head_dim]
            outputs.append(helper.make_tensor_value_info(f"present.{n}.{kind}", f, shape))
            cache[kind] = g.op("Concat", f"past_key_values.{n}.{kind}", fresh, out=f"present.{n}.{kind}", axis=2)
        # Query heads in groups, one group for each head of keys: [batch, kv, group, sequence, head_dim].
        q = g.op("Reshape", q, g.op("Concat", g.ints(0, c.kv_heads, group), length, g.ints(c.head_dim), axis=0))
        k = g.op("Transpose", g.op("Unsqueeze", cache["key"], g.ints(2)), perm=[0, 1, 2, 4, 3])
        scores = g.op("Mul", g.op("MatMul", q, k), g.scalar(1 / math.sqrt(c.head_dim)))
        weights = g.op("Softmax", g.op("Add", scores, mask), axis=-1)
        y = g.op("MatMul", weights, g.op("Unsqueeze", cache["value"], g.ints(2)))
        y = g.op("Transpose", y, perm=[0, 3, 1, 2, 4])
        y = g.op("Reshape", y, g.ints(0, 0, c.heads * c.head_dim))
        x = g.op("Add", x, g.linear(y, at + "self_attn.o_proj.weight", block.o.weight))
        h = g.norm(x, at + "post_attention_layernorm.weight", block.post_norm)
        gate = g.linear(h, at + "mlp.gate_proj.weight", block.gate_up.weight[:c.inner])
        up = g.linear(h, at + "mlp.up_proj.weight", block.gate_up.weight[c.inner:])
        y = g.op("Mul", g.op("Mul", gate, g.op("Sigmoid", gate)), up)
        x = g.op("Add", x, g.linear(y, at + "mlp.down_proj.weight", block.down.weight))
    x = g.norm(x, "model.norm.weight", net.norm)
    g.op("MatMul", x, g.op("Transpose", "model.embed_tokens.weight", perm=[1, 0]), out="logits")

    graph = helper.make_graph(g.nodes, "souk-demo", inputs, outputs, g.constants)
    model = helper.make_model(graph, producer_name="souk-demo", opset_imports=[helper.make_opsetid("", 14)])
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def load(path):
    """The torch model back from the weights of an exported graph."""
    weights = {w.name: numpy_helper.to_array(w) for w in onnx.load(str(path)).graph.initializer}
    net = llama.Llama(llama.Config())
    state = {"embed.weight": weights["model.embed_tokens.weight"], "norm.weight": weights["model.norm.weight"]}
    for n in range(net.c.layers):
        def stack(*names):
            return numpy.concatenate([weights[f"model.layers.{n}.{name}_proj.weight"].T for name in names])
        state |= {f"blocks.{n}.input_norm.weight": weights[f"model.layers.{n}.input_layernorm.weight"],
                  f"blocks.{n}.post_norm.weight": weights[f"model.layers.{n}.post_attention_layernorm.weight"],
                  f"blocks.{n}.qkv.weight": stack("self_attn.q", "self_attn.k", "self_attn.v"),
                  f"blocks.{n}.o.weight": stack("self_attn.o"), f"blocks.{n}.down.weight": stack("mlp.down"),
                  f"blocks.{n}.gate_up.weight": stack("mlp.gate", "mlp.up")}
    net.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in state.items()})
    return net


def publish(net, tok, directory):
    """Writes everything next to `directory` and renames it into place."""
    c, directory = net.c, pathlib.Path(directory)
    temporary = directory.with_name(directory.name + ".new")
    temporary.mkdir(parents=True, exist_ok=True)
    tok.save(temporary, c.context)
    begin, end, pad = (tok.special[s] for s in (tokenizer.BEGIN, tokenizer.END, tokenizer.PAD))
    tokenizer.write_json(temporary / "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": False,
        "attention_dropout": 0.0, "bos_token_id": begin, "eos_token_id": end, "pad_token_id": pad,
        "head_dim": c.head_dim, "hidden_act": "silu", "hidden_size": c.hidden, "initializer_range": 0.02,
        "intermediate_size": c.inner, "max_position_embeddings": c.context, "mlp_bias": False,
        "num_attention_heads": c.heads, "num_hidden_layers": c.layers, "num_key_value_heads": c.kv_heads,
        "pretraining_tp": 1, "rms_norm_eps": c.eps, "rope_scaling": None, "rope_theta": c.theta,
        "tie_word_embeddings": True, "torch_dtype": "float32", "use_cache": True, "vocab_size": c.vocab})
    tokenizer.write_json(temporary / "generation_config.json", {
        "_from_model_config": False, "bos_token_id": begin, "eos_token_id": end, "pad_token_id": pad,
        "do_sample": False, "max_length": c.context})
    onnx.save(build(net), str(temporary / "model.onnx"))
    old = directory.with_name(directory.name + ".old")
    if directory.exists():
        os.replace(directory, old)
    os.replace(temporary, directory)
    for path in old.iterdir() if old.exists() else ():
        path.unlink()
    if old.exists():
        old.rmdir()
