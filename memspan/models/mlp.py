"""MLP: dense layers over the whole sequence at once."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from memspan.layers.dense import ACTIVATIONS, affine, dense
from memspan.models import model
from memspan.parts.model import ModelSpec
from memspan.parts.network import Network, Weight, Weights
from memspan.parts.signature import Signature
from memspan.parts.spec import Sizes, stacked


class MLP(ModelSpec):
    """Dense layers over all steps of the sequence laid side by side: sees everything, carries nothing."""

    title: ClassVar[str] = "Multilayer perceptron"
    reference: ClassVar[str] = "Rumelhart, Hinton & Williams (1986), Nature 323"
    kind: Literal["mlp"] = "mlp"
    hidden_size: Annotated[Sizes, Field(description="units of the layer, or of each layer from the input up")] = 16
    activation: Annotated[Literal["tanh", "relu", "softplus"], Field(description="of the hidden layers")] = "tanh"
    initialization: Annotated[Literal["keras", "torch"], Field(description="Glorot uniform, or U(±1/sqrt(I))")] = (
        "keras"
    )


@model(MLP)
def build(spec: MLP, signature: Signature) -> Network:
    """x (T C) -> act(x W + b) for each hidden layer -> linear read-out."""
    sizes = stacked(spec.hidden_size)
    weights: dict[str, Weight] = {}
    below = signature.length * signature.channels
    for layer, size in enumerate(sizes):
        weights |= dense(f"layer{layer}", below, size, spec.initialization)
        below = size
    weights |= dense("readout", below, signature.outputs, spec.initialization)
    activation = ACTIVATIONS[spec.activation]

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        hidden = inputs.flatten(2)  # (M, B, T C)
        for layer in range(len(sizes)):
            hidden = activation(affine(weights, f"layer{layer}", hidden))
        return affine(weights, "readout", hidden)

    return Network(weights, forward, state_size=0, receptive_field=signature.length, any_length=False)
