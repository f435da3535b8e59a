"""MLP: dense layers over the whole sequence at once."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from memspan.interfaces.network import Network, Weights
from memspan.interfaces.signature import Signature
from memspan.layers.flattened import Flattened
from memspan.layers.perceptron import Layered, Perceptron
from memspan.models import model


class MLP(Flattened, Layered):
    """Dense layers over all steps of the sequence laid side by side: sees everything, carries nothing."""

    title: ClassVar[str] = "Multilayer perceptron"
    reference: ClassVar[str] = "Rumelhart, Hinton & Williams (1986), Nature 323"
    kind: Literal["mlp"] = "mlp"


@model(MLP)
def build(spec: MLP, signature: Signature) -> Network:
    """x (T C) -> act(x W + b) for each hidden layer -> linear read-out."""
    layers = Perceptron(spec, signature.length * signature.channels, signature.outputs)

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        return layers.run(weights, inputs.flatten(2))

    return Network(
        layers.weights(), forward, state_size=0, receptive_field=signature.length, any_length=False, kept=layers.kept
    )
