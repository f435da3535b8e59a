"""ONNX files that nobody should run: each does one thing wrong."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64
SHOWN = ["B", "T", 1]


def packed(nodes, constants=(), shown=SHOWN, answer=("B", 1), type_in=FLOAT, type_out=FLOAT, domains=("",), opset=17):
    """A graph from ``x`` to ``y`` as bytes, unchecked."""
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", type_in, list(shown))],
        [helper.make_tensor_value_info("y", type_out, None if answer is None else list(answer))],
        list(constants),
    )
    opsets = [helper.make_opsetid(domain, opset if not domain else 1) for domain in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def const(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def last(*before, source="x"):
    """The value of the last step (B, 1), after some nodes."""
    return [*before, helper.make_node("Gather", [source, "minus"], ["y"], axis=1)]


MINUS = const("minus", np.array(-1, np.int64))


def plain():
    """y is the last step."""
    return packed(last(), [MINUS])


def external(location):
    """A constant that lies in another file."""
    tensor = const("w", np.zeros(4, np.float32))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", "16")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return packed(last(helper.make_node("Add", ["x", "w"], ["z"]), source="z"), [tensor, MINUS])


def strange_domain():
    return packed([helper.make_node("Shell", ["x"], ["y"], domain="evil.example")], domains=("", "evil.example"))


def unknown_opset():
    return packed(last(), [MINUS], opset=99)


def huge_declared():
    """A constant that says that it has 400 GB."""
    tensor = const("w", np.zeros(4, np.float32))
    del tensor.dims[:]
    tensor.dims.append(100_000_000_000)
    return packed(last(helper.make_node("Add", ["x", "w"], ["z"]), source="z"), [tensor, MINUS])


def huge_made():
    """A hundred bytes that make 40 GB when they are run."""
    shape = const("shape", np.array([10_000_000_000], np.int64))
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["z"]),
    ]
    return packed(last(*nodes, source="z"), [shape, MINUS])


def endless():
    """A loop of 2^62 rounds."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c1"]), helper.make_node("Sin", ["v"], ["v1"])],
        "body",
        [
            helper.make_tensor_value_info("i", INT, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", FLOAT, None),
        ],
        [helper.make_tensor_value_info("c1", TensorProto.BOOL, []), helper.make_tensor_value_info("v1", FLOAT, None)],
    )
    nodes = [helper.make_node("Loop", ["rounds", "yes", "x"], ["z"], body=body)]
    return packed(last(*nodes, source="z"), [const("rounds", np.array(2**62)), const("yes", np.array(True)), MINUS])


def doubling():
    """A loop that doubles what it carries forty times."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c1"]), helper.make_node("Concat", ["v", "v"], ["v1"], axis=2)],
        "body",
        [
            helper.make_tensor_value_info("i", INT, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", FLOAT, None),
        ],
        [helper.make_tensor_value_info("c1", TensorProto.BOOL, []), helper.make_tensor_value_info("v1", FLOAT, None)],
    )
    nodes = [helper.make_node("Loop", ["rounds", "yes", "x"], ["z"], body=body)]
    return packed(last(*nodes, source="z"), [const("rounds", np.array(40)), const("yes", np.array(True)), MINUS])


def many_nodes():
    names = ["x", *(f"n{number}" for number in range(30_000))]
    nodes = [helper.make_node("Identity", [a], [b]) for a, b in pairwise(names)]
    return packed(last(*nodes, source=names[-1]), [MINUS])


def cyclic():
    nodes = [helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Add", ["x", "a"], ["b"])]
    return packed(last(*nodes, source="b"), [MINUS])


def not_finite():
    nan = const("nan", np.array(np.nan, np.float32))
    return packed(last(helper.make_node("Add", ["x", "nan"], ["z"]), source="z"), [nan, MINUS])


def random_answers():
    return packed(last(helper.make_node("RandomNormalLike", ["x"], ["z"]), source="z"), [MINUS])


def mixing():
    """A sequence's answer depends on those beside it."""
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"]), helper.make_node("Sub", ["x", "m"], ["z"])]
    return packed(last(*nodes, source="z"), [MINUS])


def wrong_outputs():
    return packed(
        [helper.make_node("Concat", ["l", "l", "l"], ["y"], axis=1), *last()[:0]]
        and [
            helper.make_node("Gather", ["x", "minus"], ["l"], axis=1),
            helper.make_node("Concat", ["l", "l", "l"], ["y"], axis=1),
        ],
        [MINUS],
        answer=("B", 3),
    )


def many_channels():
    return packed(last(), [MINUS], shown=["B", "T", 5])


def truncated():
    return plain()[:40]


def text_inputs():
    return packed(
        [helper.make_node("Identity", ["x"], ["y"])],
        type_in=TensorProto.STRING,
        type_out=TensorProto.STRING,
        answer=None,
    )


ATTACKS = {
    "external, absolute": (lambda: external("/etc/hostname"), "lies in another file"),
    "external, above": (lambda: external("../../etc/hostname"), "lies in another file"),
    "external, beside": (lambda: external("weights.bin"), "lies in another file"),
    "operators of others": (strange_domain, "operators of 'evil.example'"),
    "opset of the future": (unknown_opset, "onnxruntime does not take the model"),
    "400 GB declared": (huge_declared, "onnxruntime does not take|no ONNX model"),
    "40 GB made": (huge_made, "more than 3072 MiB of memory"),
    "endless loop": (endless, "took (longer|more) than"),
    "doubling loop": (doubling, "more than 3072 MiB of memory|took (longer|more) than"),
    "30 000 nodes": (many_nodes, "more than 20000 nodes"),
    "cyclic": (cyclic, "onnxruntime does not take the model"),
    "NaN": (not_finite, "not finite"),
    "random": (random_answers, "differently each time"),
    "rows that mix": (mixing, "alone and beside another"),
    "three answers": (wrong_outputs, r"shape \[2, 3\]"),
    "five channels": (many_channels, "takes 5 channels"),
    "cut off": (truncated, "no ONNX model|does not take"),
    "noise": (lambda: bytes(range(256)) * 40, "no ONNX model"),
    "text": (text_inputs, "holds? numbers|numbers are shown"),
    "empty model": (lambda: onnx.ModelProto().SerializeToString() or b"\x08\x08", "no ONNX model"),
}
"""each file with what is said of it"""
