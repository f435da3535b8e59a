"""Gated MLP: dense layers whose units are products, as those of an LSTM are, without its memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.interfaces.match import Width
from memspan.interfaces.network import Initializer, Network, Weight, Weights
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import LayerSizes, stacked
from memspan.layers import initializers
from memspan.layers.dense import affine, dense
from memspan.layers.flattened import Flattened
from memspan.models import model


class GatedMLP(Flattened):
    """A multilayer perceptron with gated units: each is the product of a candidate g and a gate that sees the same.

    ``gtu`` h = σ(o) ⊙ tanh(g); ``glu`` h = σ(o) ⊙ g; ``lstm`` h = σ(o) ⊙ tanh(σ(i) ⊙ tanh(g)), which is what an LSTM
    computes in its one step when there is one: its forget gate and its recurrent matrix have nothing to act on. A
    layer of H units over I numbers has 2 H (I + 1) parameters, or 3 H (I + 1) with ``lstm``.

    ``gtu`` and ``glu`` start as dense layers of the named framework do; ``lstm`` as the live part of its LSTM does.
    """

    width: ClassVar[Width | None] = Width(stacked=True)
    title: ClassVar[str] = "Gated multilayer perceptron"
    reference: ClassVar[str] = "Dauphin, Fan, Auli & Grangier (2017), arXiv 1612.08083: GTU and GLU"
    kind: Literal["gated_mlp"] = "gated_mlp"
    hidden_size: Annotated[LayerSizes, Field(description="units of the layer, or of each layer from the input up")] = 16
    gate: Annotated[Literal["gtu", "glu", "lstm"], Field(description="what a unit computes")] = "gtu"
    initialization: Annotated[Literal["keras", "torch"], Field(description="how the weights start")] = "keras"


@dataclass(frozen=True)
class Unit:
    """What a layer computes from so many blocks of pre-activations; each (M, B, H)."""

    blocks: int
    value: Callable[..., Tensor]


UNITS = {
    "gtu": Unit(2, lambda g, o: torch.sigmoid(o) * torch.tanh(g)),
    "glu": Unit(2, lambda g, o: torch.sigmoid(o) * g),
    "lstm": Unit(3, lambda i, g, o: torch.sigmoid(o) * torch.tanh(torch.sigmoid(i) * torch.tanh(g))),
}
"""By the name of the gate."""


@model(GatedMLP)
def build(spec: GatedMLP, signature: Signature) -> Network:
    """x (T C) -> gated layers -> linear read-out."""
    unit, sizes = UNITS[spec.gate], stacked(spec.hidden_size)
    window = signature.length * signature.channels
    weights: dict[str, Weight] = {}
    for layer, (below, size) in enumerate(zip((window, *sizes), sizes, strict=False)):
        weights |= gated(spec, f"layer{layer}", below, size)
    weights |= dense("readout", sizes[-1], signature.outputs, spec.initialization)

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        hidden = inputs.flatten(2)  # (M, B, T C)
        for layer in range(len(sizes)):
            hidden = unit.value(*affine(weights, f"layer{layer}", hidden).chunk(unit.blocks, dim=-1))
        return affine(weights, "readout", hidden)

    kept = window + (unit.blocks + 3) * sum(sizes)  # blocks, their squashed values, products
    return Network(weights, forward, state_size=0, receptive_field=signature.length, any_length=False, kept=kept)


def gated(spec: GatedMLP, name: str, inputs: int, size: int) -> dict[str, Weight]:
    """The kernel (I, G H) and bias (G H,) of a layer, its blocks in the order g, o, or i, g, o."""
    width = UNITS[spec.gate].blocks * size
    kernel, bias = STARTS[spec.initialization, spec.gate == "lstm"](inputs, size)
    return {f"{name}.kernel": Weight((inputs, width), kernel), f"{name}.bias": Weight((width,), bias)}


def keras_dense(inputs: int, size: int) -> tuple[Initializer, Initializer]:
    """Glorot uniform over the fans of one block, I and H, and no bias."""
    return initializers.uniform(math.sqrt(6 / (inputs + size))), initializers.zeros


def keras_lstm(inputs: int, size: int) -> tuple[Initializer, Initializer]:
    """Glorot uniform whose fan out counts all four blocks of an LSTM, the dead one too, and no bias."""
    return initializers.uniform(math.sqrt(6 / (inputs + 4 * size))), initializers.zeros


def torch_dense(inputs: int, size: int) -> tuple[Initializer, Initializer]:
    """U(±1/sqrt(I))."""
    bound = initializers.uniform(1 / math.sqrt(inputs))
    return bound, bound


def torch_lstm(inputs: int, size: int) -> tuple[Initializer, Initializer]:
    """U(±1/sqrt(H)), and for the bias the sum of two such draws, as torch's LSTM has two biases."""
    bound = initializers.uniform(1 / math.sqrt(size))

    def both(shape: tuple[int, ...], rng: Generator) -> Tensor:
        return bound(shape, rng) + bound(shape, rng)

    return bound, both


STARTS = {
    ("keras", False): keras_dense,
    ("keras", True): keras_lstm,
    ("torch", False): torch_dense,
    ("torch", True): torch_lstm,
}
"""How a layer's kernel and bias start, by initialisation and whether it is an LSTM's."""
