"""Carry MLP: a feed-forward net that is handed back the state that it named itself."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from memspan.interfaces.network import Network, Weights
from memspan.interfaces.signature import Signature
from memspan.layers.perceptron import Layered, Perceptron
from memspan.models import model


class CarryMLP(Layered):
    """A multilayer perceptron, the same at every step, that sees the step and the state that it gave one step before.

    It takes tasks whose class numbers name the task's own state beside the answer, such as the sum bit and the carry
    of an addition. It is handed back the probability of each state, by its own softmax, so the gradient runs through
    all steps: a recurrent net whose state is supervised. Before the first step the state is 0.
    """

    title: ClassVar[str] = "Perceptron with its carry fed back"
    reference: ClassVar[str] = (
        "Jordan (1986), Serial order: a parallel distributed processing approach, ICS Report 8604"
    )
    kind: Literal["carry_mlp"] = "carry_mlp"

    def objection(self, signature: Signature) -> str | None:
        """It must be taught its state."""
        if signature.own_states > 1 and signature.every_step:
            return None
        return (
            f"The model {self.kind} is handed back the state that its own answer names, so the task must ask for one "
            'at every step, e.g. binary_addition with "answer": "sum_and_carry".'
        )


@model(CarryMLP)
def build(spec: CarryMLP, signature: Signature) -> Network:
    """(x_t, probabilities of the states after t - 1) -> hidden layers -> one logit for each class.

    class = answer + answers x state.
    """
    states = signature.own_states
    layers = Perceptron(spec, signature.channels + states, signature.outputs)

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        logits, state = [], first(inputs, states)
        for x in projected(weights, inputs, signature.channels):
            logits.append(layers.above(weights, torch.baddbmm(x, state, carried(weights, signature.channels))))
            state = logits[-1].softmax(-1).unflatten(-1, (states, -1)).sum(-1)  # (M, B, S)
        return torch.stack(logits, dim=2)  # (M, B, T, K)

    kept = signature.length * (layers.kept + 2 * signature.outputs)
    return Network(layers.weights(), forward, state_size=states, receptive_field=None, any_length=True, kept=kept)


def first(inputs: Tensor, states: int) -> Tensor:
    """State 0 for sure, (M, B, S)."""
    start = inputs.new_zeros(*inputs.shape[:2], states)
    start[..., 0] = 1
    return start


def projected(weights: Weights, inputs: Tensor, channels: int) -> tuple[Tensor, ...]:
    """What the inputs add to the first layer at each step, its bias included: (M, B, T, C) -> T times (M, B, H)."""
    members, batch, steps, _ = inputs.shape
    flat = inputs.transpose(1, 2).reshape(members, steps * batch, channels)
    found = torch.baddbmm(weights["layer0.bias"].unsqueeze(1), flat, weights["layer0.kernel"][:, :channels])
    return found.view(members, steps, batch, -1).unbind(1)


def carried(weights: Weights, channels: int) -> Tensor:
    """The part of the first layer's kernel that the state meets, (M, S, H)."""
    return weights["layer0.kernel"][:, channels:]
