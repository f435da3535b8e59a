"""TCN: a stack of dilated causal convolutions."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from torch import Tensor

from memspan.interfaces.match import Width
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network, Weight, Weights
from memspan.interfaces.noise import Noise
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Real, Units, Whole
from memspan.layers import initializers
from memspan.layers.convolution import parted
from memspan.layers.dense import affine
from memspan.layers.temporal_convolution import TemporalConvolution, levels_for, torch_start
from memspan.models import model


class TCN(ModelSpec):
    """A temporal convolutional network: dilated causal convolutions, two and a shortcut a level, dilation doubled.

    It sees 1 + 2 (kernel_size - 1) (2^levels - 1) steps and nothing before them. ``levels`` left out takes as few as
    make that at least ``reach`` times the sequence. A field that only just reaches the first step may not learn to
    use it: few paths lead there, and their weights multiply; ``reach: 2`` is safer.

    ``torch`` starts the convolutions U(±1/sqrt(C k)), as the authors' code does when it runs: the N(0, .01) that it
    draws there is overwritten by weight normalization. ``normal`` starts them N(0, .01) after all.
    """

    width: ClassVar[Width | None] = Width(("channels",))
    title: ClassVar[str] = "Temporal convolutional network"
    reference: ClassVar[str] = "Bai, Kolter & Koltun (2018), arXiv 1803.01271; github.com/locuslab/TCN, and its issue 1"
    kind: Literal["tcn"] = "tcn"
    channels: Annotated[Units, Field(description="channels of every level")] = 16
    kernel_size: Annotated[Whole, Field(ge=2, le=256, description="steps that a convolution covers")] = 5
    levels: Annotated[
        Annotated[Whole, Field(ge=1, le=24)] | None,
        Field(description="levels; none = as few as make the receptive field at least reach x length"),
    ] = None
    reach: Annotated[
        Real, Field(gt=0, le=100, description="least receptive field in lengths of the sequence, with levels left out")
    ] = 1.0
    weight_norm: Annotated[bool, Field(strict=True, description="split each kernel into a norm and a direction")] = True
    dropout: Annotated[
        Real, Field(ge=0, lt=1, description="share of a convolution's outputs that training sets to 0")
    ] = 0.0
    initialization: Annotated[
        Literal["torch", "normal"], Field(description="U(±1/sqrt(C k)) as in torch and the authors' runs, or N(0, .01)")
    ] = "torch"

    @field_validator("reach")
    @classmethod
    def _only_where_it_is_used(cls, value: float, info: ValidationInfo) -> float:
        if value != 1.0 and info.data.get("levels") is not None:
            raise PydanticCustomError("does_not_apply", "reach chooses the levels; leave one of the two out.")
        return value

    @property
    def embedding_size(self) -> int:
        return self.channels


@model(TCN)
def build(spec: TCN, signature: Signature) -> Network:
    """Levels of dilated causal convolutions -> dense read-out N(0, .01²), at the last step or at every step."""
    stack, every_step = temporal(spec, signature), signature.every_step
    start = initializers.normal(0.01) if spec.initialization == "normal" else None
    answer = everywhere if every_step else at_the_end

    def forward(weights: Weights, inputs: Tensor, noise: Noise | None = None) -> Tensor:
        return answer(stack, weights, inputs, noise)

    answers = spec.channels * signature.outputs * (signature.length if every_step else 1)
    return Network(
        {**stack.weights(start), **readout(spec.channels, signature.outputs)},
        forward,
        state_size=0,
        receptive_field=stack.receptive_field,
        any_length=True,
        noisy=forward if spec.dropout else None,
        kept=stack.kept(signature.length, every_step),
        multiplications=stack.multiplications(signature.length, every_step) + answers,
    )


def temporal(spec: TCN, signature: Signature) -> TemporalConvolution:
    """The stack that a spec asks for at a length."""
    levels = spec.levels or levels_for(spec.reach * signature.length, spec.kernel_size)
    return TemporalConvolution(
        signature.channels, spec.channels, spec.kernel_size, levels, spec.weight_norm, spec.dropout
    )


def readout(channels: int, outputs: int) -> dict[str, Weight]:
    """A dense layer with torch's bias and a kernel N(0, .01²). Source: locuslab/TCN, adding_problem/model.py."""
    return {
        "readout.kernel": Weight((channels, outputs), initializers.normal(0.01)),
        "readout.bias": Weight((outputs,), torch_start(channels, 1)),
    }


def at_the_end(stack: TemporalConvolution, weights: Weights, inputs: Tensor, noise: Noise | None) -> Tensor:
    """(M, B, T, C) -> (M, B, K)."""
    return affine(weights, "readout", parted(stack.last_step(weights, inputs, noise), inputs.shape[0]))


def everywhere(stack: TemporalConvolution, weights: Weights, inputs: Tensor, noise: Noise | None) -> Tensor:
    """(M, B, T, C) -> (M, B, T, K)."""
    members, batch, steps, _ = inputs.shape
    found = parted(stack.every_step(weights, inputs, noise), members).transpose(2, 3)  # (M, B, T, C')
    return affine(weights, "readout", found.flatten(1, 2)).view(members, batch, steps, -1)
