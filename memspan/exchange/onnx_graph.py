"""ONNX graphs of Memspan's models, put together by hand: one operator a layer, free batch and time.

Blocks of gates in ONNX: LSTM i o f c, GRU z r h. torch's exporters take seconds and often fix the number of steps.

Source:
    onnx.ai, operators RNN-14, LSTM-14 and GRU-14; opset 17, IR 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from memspan.engine.condition import Condition
from memspan.exchange.layouts import Origin, metadata
from memspan.exchange.no_form import NoForm
from memspan.exchange.plain_layers import Tensors, biases, blocks
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.recurrence import Layer, Level, Recurrence
from memspan.interfaces.signature import Problem
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.mlp import MLP
from memspan.models.rnn import RNN

OPSET, IR = 17, 8
INPUTS, OUTPUTS = "inputs", "outputs"
LSTM_ORDER, GRU_ORDER, RNN_ORDER = (0, 3, 1, 2), (1, 0, 2), (0,)
"""where ONNX's blocks lie among Memspan's"""
NAMES = {"tanh": "Tanh", "relu": "Relu", "softplus": "Softplus", "sigmoid": "Sigmoid", "hard_sigmoid": "HardSigmoid"}


def graph(condition: Condition, weights: Tensors, origin: Origin) -> bytes:
    """A model as an ONNX file: ``inputs`` (B, T, C) float32 -> ``outputs`` (B, K) or (B, T, K).

    Values for a regression, probabilities for a classification, as predictions are. Tokens are whole numbers of the one
    channel.

    Raises:
        NoForm: its cell has no operator.
    """
    from onnx import checker, helper

    made = _made(condition, weights)
    model = helper.make_model(
        helper.make_graph(made.nodes, "memspan", [_shape_in(condition)], [_shape_out(condition)], made.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="memspan",
    )
    helper.set_model_props(model, metadata(condition, "onnx", origin))
    checker.check_model(model, full_check=True)
    found: bytes = model.SerializeToString(deterministic=True)
    return found


@dataclass
class Drawing:
    """A graph while it is drawn: each node's result is named by its number."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, value: torch.Tensor | Sequence[int]) -> str:
        """The name of a constant: numbers of 32 bits, or whole numbers that are shapes and axes."""
        from onnx import numpy_helper

        is_tensor = isinstance(value, torch.Tensor)
        array = value.contiguous().numpy() if isinstance(value, torch.Tensor) else np.array(value, np.int64)
        name = f"{'weight' if is_tensor else 'shape'}{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, *inputs: str, outputs: int = 1, name: str | None = None, **settings: Any) -> list[str]:
        """Add a node; the names of its results."""
        from onnx import helper

        names = [name or f"{kind.lower()}{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **settings))
        return names

    def one(self, kind: str, *inputs: str, **settings: Any) -> str:
        """Add a node with one result; its name."""
        return self.node(kind, *inputs, **settings)[0]


def _made(condition: Condition, weights: Tensors) -> Drawing:
    made, network = Drawing(), condition.network()
    if isinstance(condition.model, MLP) and not condition.signature.several:
        answer = _perceptron(made, condition.model, weights)
    elif network.recurrence is not None and isinstance(condition.model, (RNN, LSTM, GRU)):
        answer = _recurrent(made, condition, network.recurrence, weights)
    else:
        raise NoForm(
            f"The model {condition.model.kind} of this task has no operator in ONNX; rnn, lstm, gru and mlp have one. "
            "Its weights can be had with layout=memspan, its answers by /predictions.",
            "model",
        )
    classes = condition.signature.problem is Problem.CLASSIFICATION
    made.node("Softmax" if classes else "Identity", answer, name=OUTPUTS, **({"axis": -1} if classes else {}))
    return made


def _perceptron(made: Drawing, model: MLP, weights: Tensors) -> str:
    x = made.one("Flatten", INPUTS, axis=1)  # (B, T C)
    hidden = sorted({name.partition(".")[0] for name in weights if name.startswith("layer")}, key=len)
    for layer in sorted(hidden, key=lambda name: int(name.removeprefix("layer"))):
        x = made.one(NAMES[model.activation], _affine(made, x, weights, layer))
    return _affine(made, x, weights, "readout")


def _affine(made: Drawing, x: str, weights: Tensors, name: str) -> str:
    product = made.one("MatMul", x, made.constant(weights[f"{name}.kernel"]))
    return made.one("Add", product, made.constant(weights[f"{name}.bias"]))


def _recurrent(made: Drawing, condition: Condition, recurrence: Recurrence, weights: Tensors) -> str:
    x = INPUTS
    if condition.signature.vocabulary:
        tokens = made.one("Squeeze", made.one("Cast", x, to=7), made.constant([-1]))  # 7 = INT64
        x = made.one("Gather", made.constant(weights["embedding.kernel"]), tokens)  # (B, T, d)
    x = made.one("Transpose", x, perm=[1, 0, 2])  # (T, B, I)
    for level in recurrence.levels[:-1]:
        every, _ = _layer(made, condition.model, level, weights, x)  # (T, D, B, H)
        wide = len(level) * level[0].size
        x = made.one("Reshape", made.one("Transpose", every, perm=[0, 2, 1, 3]), made.constant([0, 0, wide]))
    top = recurrence.levels[-1]
    every, last = _layer(made, condition.model, top, weights, x)
    wide = len(top) * top[0].size
    if condition.signature.every_step:
        turned = made.one("Transpose", every, perm=[2, 0, 1, 3])  # (B, T, D, H)
        x = made.one("Reshape", turned, made.constant([0, 0, wide]))
    else:
        x = made.one("Reshape", made.one("Transpose", last, perm=[1, 0, 2]), made.constant([0, wide]))
    return _affine(made, x, weights, recurrence.readout)


def _layer(made: Drawing, model: ModelSpec, level: Level, weights: Tensors, x: str) -> list[str]:
    """A level's outputs at all steps (T, D, B, H), and those that each direction ends with, (D, B, H)."""
    kind, order, settings = _operator(model)
    parts = [_matrices(weights, layer, order) for layer in level]
    kernel, recurrent, bias = (made.constant(torch.stack(each)) for each in zip(*parts, strict=True))
    many = {name: value * len(level) for name, value in settings.items() if isinstance(value, list)}
    direction = "bidirectional" if len(level) > 1 else "forward"
    own = {**settings, **many, "hidden_size": level[0].size, "direction": direction}
    peepholes = _peepholes(weights, level)
    more = [] if peepholes is None else ["", "", "", made.constant(peepholes)]
    return made.node(kind, x, kernel, recurrent, bias, *more, outputs=2, **own)


def _matrices(
    weights: Tensors, layer: Layer, order: tuple[int, ...]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """W (G H, I), R (G H, H) and B (2 G H) of one direction."""
    kernel, recurrent = (blocks(weights[f"{layer.name}.{end}"], order).T for end in ("kernel", "recurrent"))
    return kernel, recurrent, torch.cat([blocks(each, order) for each in biases(weights, layer)])


def _peepholes(weights: Tensors, level: Level) -> torch.Tensor | None:
    """P (D, 3 H), i o f."""
    names = [[f"{layer.name}.peephole_{gate}" for gate in "iof"] for layer in level]
    if names[0][0] not in weights:
        return None
    return torch.stack([torch.cat([weights[name] for name in each]) for each in names])


def _operator(model: ModelSpec) -> tuple[str, tuple[int, ...], Mapping[str, Any]]:
    """The operator of a cell, the order of its blocks, and its settings for one direction."""
    if isinstance(model, RNN):
        return "RNN", RNN_ORDER, {"activations": [NAMES[model.activation]]}
    gates = _gates(model)
    if isinstance(model, LSTM):
        if model.open_gates:
            message = "ONNX's LSTM has all of its gates, and this model holds some open (open_gates)."
            raise NoForm(message, "model/open_gates")
        act = NAMES[model.activation]
        return "LSTM", LSTM_ORDER, {"activations": [gates["activation"], act, act], **gates["numbers"]}
    settings = {"activations": [gates["activation"], "Tanh"], **gates["numbers"]}
    after = int(isinstance(model, GRU) and model.reset == "after")
    return "GRU", GRU_ORDER, {**settings, "linear_before_reset": after}


def _gates(model: ModelSpec) -> dict[str, Any]:
    """The activation of gates, with its numbers: clip(0.2 x + 0.5, 0, 1) is ONNX's default of HardSigmoid, said."""
    name = NAMES[getattr(model, "recurrent_activation", "sigmoid")]
    hard = name == "HardSigmoid"
    return {"activation": name, "numbers": {"activation_alpha": [0.2], "activation_beta": [0.5]} if hard else {}}


def _shape_in(condition: Condition) -> Any:
    from onnx import TensorProto, helper

    signature = condition.signature
    steps: str | int = "T" if condition.network().any_length else signature.length
    return helper.make_tensor_value_info(INPUTS, TensorProto.FLOAT, ["B", steps, signature.channels])


def _shape_out(condition: Condition) -> Any:
    from onnx import TensorProto, helper

    signature = condition.signature
    steps = ["T"] if signature.every_step else []
    return helper.make_tensor_value_info(OUTPUTS, TensorProto.FLOAT, ["B", *steps, signature.outputs])
