"""LRU: linear recurrent units in residual blocks."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from torch import Tensor
from torch.nn.functional import gelu, glu, layer_norm

from memspan.interfaces.limits import Within
from memspan.interfaces.match import Width
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network, Weight, Weights
from memspan.interfaces.noise import Noise
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import LayerSizes, Real, Whole, stacked
from memspan.layers import initializers
from memspan.layers.dense import affine, dense
from memspan.layers.diagonal_recurrence import Ring, answer, diagonal, rounds
from memspan.models import model


class LRU(ModelSpec):
    """Linear recurrent units: a complex state that each step multiplies by a number of its own, |λ| < 1.

    The input is spread over ``model_size`` channels. Each block normalises them, runs x = λ ⊙ x + exp(γ) ⊙ B u and
    y = Re(C x) + D ⊙ u, applies GELU and a gated linear unit, and adds the result to what it was given. The time
    constants are in λ, and no gate depends on the input.
    """

    width: ClassVar[Width | None] = Width(("hidden_size", "model_size"), stacked=True, least=2)
    title: ClassVar[str] = "Linear recurrent unit"
    reference: ClassVar[str] = "Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu & De (2023), arXiv 2303.06349"
    kind: Literal["lru"] = "lru"
    hidden_size: Annotated[
        LayerSizes, Field(description="complex units of the block, or of each block from the input up")
    ] = 16
    model_size: Annotated[Whole, Within("hidden_size", low=2), Field(description="channels between the blocks")] = 16
    least_modulus: Annotated[Real, Field(ge=0, lt=1, description="least |λ| at the start")] = 0.9
    largest_modulus: Annotated[
        Real, Field(gt=0, lt=1, description="largest |λ| at the start", validate_default=True)
    ] = 0.999
    largest_phase: Annotated[
        Real, Field(gt=0, le=2 * math.pi, description="largest angle of λ at the start, in radians")
    ] = 2 * math.pi
    dropout: Annotated[Real, Field(ge=0, lt=1, description="share of each block's outputs that training sets to 0")] = (
        0.0
    )

    @field_validator("largest_modulus")
    @classmethod
    def _above_the_least(cls, value: float, info: ValidationInfo) -> float:
        least = info.data.get("least_modulus", 0.0)
        if value <= least:
            raise PydanticCustomError("out_of_range", "Must be above least_modulus, {least}.", {"least": least})
        return value


@model(LRU)
def build(spec: LRU, signature: Signature) -> Network:
    """Dense encoder -> blocks -> dense read-out; the dense layers start as Keras', the recurrent ones as published."""
    sizes, channels = stacked(spec.hidden_size), spec.model_size
    ring = Ring(spec.least_modulus, spec.largest_modulus, spec.largest_phase)
    weights = dense("encoder", signature.channels, channels)
    for index, size in enumerate(sizes):
        weights |= block_weights(f"layer{index}", channels, size, ring)
    weights |= dense("readout", channels, signature.outputs)

    def forward(weights: Weights, inputs: Tensor, noise: Noise | None = None) -> Tensor:
        sequence = everywhere(weights, "encoder", inputs.transpose(1, 2))  # (M, T, B, C)
        for index in range(len(sizes)):
            sequence = block(weights, f"layer{index}", sequence, spec.dropout, noise)
        if signature.every_step:
            return everywhere(weights, "readout", sequence).transpose(1, 2)
        return affine(weights, "readout", sequence[:, -1])

    steps = signature.length
    return Network(
        weights,
        forward,
        state_size=2 * sum(sizes),
        receptive_field=None,
        any_length=True,
        noisy=forward if spec.dropout else None,
        kept=steps * (channels + sum(block_kept(steps, channels, size) for size in sizes)),
    )


def block_kept(steps: int, channels: int, units: int) -> int:
    """Numbers that a block keeps for the backward pass, at each step: complex states of every round of the recurrence,
    and the normalised, answered, squashed, doubled and gated channels."""
    return 2 * units * (rounds(steps) + 3) + 7 * channels


def block_weights(name: str, channels: int, units: int, ring: Ring) -> dict[str, Weight]:
    """Normalisation, linear recurrence and gated linear unit."""
    return {
        f"{name}.scale": Weight((channels,), initializers.constant(1.0)),
        f"{name}.shift": Weight((channels,), initializers.zeros),
        **diagonal(name, channels, units, ring),
        **dense(f"{name}.gate", channels, 2 * channels),
    }


def block(weights: Weights, name: str, sequence: Tensor, dropout: float, noise: Noise | None) -> Tensor:
    """u + GLU(GELU(LRU(norm(u)))), (M, T, B, C) -> (M, T, B, C)."""
    scale, shift = (weights[f"{name}.{part}"][:, None, None] for part in ("scale", "shift"))
    normal = layer_norm(sequence, sequence.shape[-1:]) * scale + shift
    gated: Tensor = glu(everywhere(weights, f"{name}.gate", gelu(answer(weights, name, normal))), dim=-1)
    if noise is not None and dropout:
        gated = gated * noise.keep(tuple(gated.shape[1:]), dropout)
    return sequence + gated


def everywhere(weights: Weights, name: str, sequence: Tensor) -> Tensor:
    """A dense layer at every step: (M, T, B, I) -> (M, T, B, O)."""
    made: Tensor = affine(weights, name, sequence.flatten(1, 2)).unflatten(1, sequence.shape[1:3])
    return made
