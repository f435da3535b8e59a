"""CNN: one convolution as wide as the sequence."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.interfaces.match import Width
from memspan.interfaces.network import Initializer, Network, Weight, Weights
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Units
from memspan.layers import initializers
from memspan.layers.dense import ACTIVATIONS, affine, dense
from memspan.layers.flattened import Flattened
from memspan.models import model


class CNN(Flattened):
    """One convolution whose kernel spans the whole sequence, then a dense layer.

    The article that it comes from calls it a temporal convolutional network; it has no dilation and no causal
    stack, so it is a dense layer over the window under another name.
    """

    width: ClassVar[Width | None] = Width(("filters",))
    title: ClassVar[str] = "Full-width convolution"
    reference: ClassVar[str] = (
        "dwipam (2021), How Long Dependencies Can LSTM & T-CNN Really Remember?, medium.com/analytics-vidhya"
    )
    kind: Literal["cnn"] = "cnn"
    filters: Annotated[Units, Field(description="filters of the convolution")] = 3
    dense_size: Annotated[Units, Field(description="units of the dense layer behind it")] = 2
    activation: Annotated[
        Literal["softplus", "relu", "tanh"], Field(description="of the convolution and the dense layer")
    ] = "softplus"

    @property
    def embedding_size(self) -> int:
        return self.filters


@model(CNN)
def build(spec: CNN, signature: Signature) -> Network:
    """Conv1D(filters, kernel T, valid) -> Dense(dense_size) -> linear read-out, Keras initialisation.

    A full-width convolution has one output step, so it is computed as one matrix product; the kernel starts from
    the convolution's own fans, T C in and T filters out.
    """
    window = signature.length * signature.channels
    weights = {
        "convolution.kernel": Weight((window, spec.filters), glorot_of_convolution(signature)),
        "convolution.bias": Weight((spec.filters,), initializers.zeros),
        **dense("dense", spec.filters, spec.dense_size),
        **dense("readout", spec.dense_size, signature.outputs),
    }
    activation = ACTIVATIONS[spec.activation]

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        convolved = activation(affine(weights, "convolution", inputs.flatten(2)))
        return affine(weights, "readout", activation(affine(weights, "dense", convolved)))

    kept = window + spec.filters + spec.dense_size
    return Network(weights, forward, state_size=0, receptive_field=signature.length, any_length=False, kept=kept)


def glorot_of_convolution(signature: Signature) -> Initializer:
    """Glorot uniform of a (T, C, filters) kernel, flattened to (T C, filters)."""

    def draw(shape: tuple[int, ...], rng: Generator) -> Tensor:
        kernel = initializers.glorot_uniform((signature.length, signature.channels, shape[1]), rng)
        return torch.flatten(kernel, 0, 1)

    return draw
