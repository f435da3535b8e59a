"""Keras' layout: SimpleRNN, LSTM or GRU layers and a Dense, by the paths of their variables.

``layer0/kernel`` (I, G H), ``layer0/recurrent_kernel`` (H, G H), ``layer0/bias`` (G H,), and (2, G H) of a GRU with
reset_after; ``layer0/forward/...`` and ``layer0/backward/...`` of Bidirectional; ``readout/kernel`` and
``readout/bias`` of Dense, ``embedding/embeddings`` of Embedding. Gates: LSTM i f c o, which is Memspan's order; GRU
z r h, Memspan's is r z h. Files of a Keras model have its own names in front (``sequential/lstm/lstm_cell/kernel``).

Source:
    keras.layers.LSTM and keras.layers.GRU of Keras 3, their documentation.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

from memspan.exchange.foreign import Foreign, kind_of, readout_of
from memspan.exchange.no_form import NoForm
from memspan.exchange.plain_layers import Tensors, biases, blocks, plain
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.recurrence import Layer
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM

SWAPPED = (1, 0, 2)
"""r z h and z r h: the same swap leads either way"""
CELLS = re.compile(r"(?P<path>.+)[/.]recurrent_kernel")


def written(model: ModelSpec, network: Network, weights: Tensors) -> dict[str, Tensor]:
    """The weights of one model as Keras has them.

    Raises:
        NoForm: Keras has no such layer.
    """
    recurrence = plain(model, network, "Keras")
    _check(model)
    found = {f"readout/{end}": weights[f"{recurrence.readout}.{end}"] for end in ("kernel", "bias")}
    if "embedding.kernel" in weights:
        found["embedding/embeddings"] = weights["embedding.kernel"]
    for level, layers in enumerate(recurrence.levels):
        for layer in layers:
            side = "" if len(layers) == 1 else "/backward" if layer.reverse else "/forward"
            found |= {f"layer{level}{side}/{end}": each for end, each in _layer(model, weights, layer).items()}
    return {name: each.contiguous() for name, each in found.items()}


def _check(model: ModelSpec) -> None:
    if isinstance(model, LSTM) and (model.peephole or model.open_gates):
        field = "peephole" if model.peephole else "open_gates"
        raise NoForm(f"Keras' LSTM has nothing like {field}. Take layout=memspan.", f"model/{field}")
    if getattr(model, "recurrent_activation", "sigmoid") != "sigmoid":
        message = "Keras 3 has another hard_sigmoid, clip(x / 6 + 0.5, 0, 1). Take layout=memspan."
        raise NoForm(message, "model/recurrent_activation")


def _layer(model: ModelSpec, weights: Tensors, layer: Layer) -> dict[str, Tensor]:
    kernel, recurrent = weights[f"{layer.name}.kernel"], weights[f"{layer.name}.recurrent"]
    bias, second = biases(weights, layer)
    if not isinstance(model, GRU):
        return {"kernel": kernel, "recurrent_kernel": recurrent, "bias": bias + second}
    kernel, recurrent, bias, second = (blocks(each, SWAPPED) for each in (kernel, recurrent, bias, second))
    both = torch.stack([bias, second]) if model.reset == "after" else bias + second
    return {"kernel": kernel, "recurrent_kernel": recurrent, "bias": both}


def fits(tensors: Tensors) -> bool:
    """Whether names look like Keras'."""
    return any(CELLS.fullmatch(name) for name in tensors)


def read(tensors: Tensors) -> Foreign:
    """A stack of Keras' recurrent layers, in the order of their numbers, and one Dense.

    Raises:
        NoForm: it is something else.
    """
    paths = [match["path"] for name in tensors if (match := CELLS.fullmatch(name))]
    levels = sorted({_level(path) for path in paths}, key=_natural)
    weights: dict[str, Tensor] = {}
    rest, fields = dict(tensors), dict[str, str]()
    for path in paths:
        name = f"layer{levels.index(_level(path))}{'.backward' if 'backward' in path else ''}"
        parts = {end: _taken(rest, path, end) for end in ("kernel", "recurrent_kernel", "bias")}
        fields |= _cell(weights, name, parts)
    embeddings = [name for name in rest if name.endswith("embeddings")]
    if embeddings:
        weights["embedding.kernel"] = rest.pop(embeddings[0])
    weights["readout.kernel"], weights["readout.bias"] = readout_of(rest, "kernel")
    return Foreign(kind_of(weights), fields, weights, len(levels))


def _cell(weights: dict[str, Tensor], name: str, parts: dict[str, Tensor]) -> dict[str, str]:
    """Keep one cell's weights under Memspan's names; what its shapes tell of the model's fields."""
    weights |= {f"{name}.kernel": parts["kernel"], f"{name}.recurrent": parts["recurrent_kernel"]}
    kind, bias = kind_of({f"{name}.recurrent": parts["recurrent_kernel"]}), parts["bias"]
    if kind != "gru":
        weights[f"{name}.bias"] = bias
        return {}
    for end in ("kernel", "recurrent"):
        weights[f"{name}.{end}"] = blocks(weights[f"{name}.{end}"], SWAPPED)
    after = bias.ndim == 2
    weights[f"{name}.bias"] = blocks(bias[0] if after else bias, SWAPPED)
    if after:
        weights[f"{name}.recurrent_bias"] = blocks(bias[1], SWAPPED)
    return {"reset": "after" if after else "before"}


def _taken(rest: dict[str, Tensor], path: str, end: str) -> Tensor:
    for separator in "/.":
        if f"{path}{separator}{end}" in rest:
            return rest.pop(f"{path}{separator}{end}")
    raise NoForm(f"The layer {path} has no {end}.", "file")


def _level(path: str) -> str:
    """The layer that a cell belongs to: both directions are one."""
    return re.sub(r"[/.]?(forward|backward)[^/.]*", "", path)


def _natural(path: str) -> list[tuple[int, str]]:
    """lstm, lstm_1, lstm_2, ..., lstm_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path)]
