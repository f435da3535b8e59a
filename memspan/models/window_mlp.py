"""Window MLP: dense layers over a window that slides along the sequence."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from memspan.interfaces.limits import Within
from memspan.interfaces.network import Network, Weights
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Whole
from memspan.layers.perceptron import Layered, Perceptron
from memspan.models import model


class WindowMLP(Layered):
    """A multilayer perceptron that sees the current step and the ``window`` steps before it, the same at every step.

    Steps before the start of the sequence are zeros, and for each of the earlier steps one more number says whether
    it lies there (1) or not (0): without it a net couldn't tell the start from inputs that happen to be 0. So it has
    (window + 1) C + window inputs. It carries nothing: what left the window is gone.
    """

    title: ClassVar[str] = "Window perceptron"
    reference: ClassVar[str] = "Sejnowski & Rosenberg (1987), Parallel networks that learn to pronounce English text"
    kind: Literal["window_mlp"] = "window_mlp"
    window: Annotated[
        Whole, Within("length", low=0), Field(description="earlier steps seen beside the current one")
    ] = 2


@model(WindowMLP)
def build(spec: WindowMLP, signature: Signature) -> Network:
    """Window of the last step, or of every step -> hidden layers -> linear read-out."""
    seen = (spec.window + 1) * (signature.channels + 1) - 1
    layers, every_step = Perceptron(spec, seen, signature.outputs), signature.every_step
    answers = signature.length if every_step else 1

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        due = inputs if every_step else inputs[:, :, -spec.window - 1 :]
        shown = windows(due, spec.window)  # (M, B, T, I)
        if not every_step:
            return layers.run(weights, shown[:, :, -1])
        found = layers.run(weights, shown.flatten(1, 2))
        return found.view(*shown.shape[:3], -1)

    return Network(
        layers.weights(),
        forward,
        state_size=0,
        receptive_field=spec.window + 1,
        any_length=True,
        kept=answers * layers.kept,
        multiplications=answers * layers.multiplications,
    )


def windows(inputs: Tensor, window: int) -> Tensor:
    """What is seen at each step: earlier steps first, each with its flag, then the current step without one.

    Shapes:
        (M, B, T, C) -> (M, B, T, (window + 1) (C + 1) - 1).
    """
    flagged = torch.nn.functional.pad(inputs, (0, 1))  # (M, B, T, C + 1)
    before = torch.nn.functional.pad(torch.zeros_like(inputs[:, :, :1]).expand(-1, -1, window, -1), (0, 1), value=1.0)
    slices = torch.cat([before, flagged], dim=2).unfold(2, window + 1, 1)  # (M, B, T, C + 1, window + 1)
    return slices.transpose(3, 4).flatten(3)[..., :-1]
