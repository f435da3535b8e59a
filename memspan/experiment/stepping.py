"""Stepping: a recurrent model that answers step by step, and can be left and taken up again between two steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from memspan.dynamics.system import DynamicalSystem, dynamical_system
from memspan.interfaces.predictor import Internals, Predictor
from memspan.interfaces.recurrence import Recurrence
from memspan.interfaces.signature import Problem
from memspan.layers.dense import affine

GATE_VALUES = 2**20
"""numbers of gates and states that are computed at once"""
WIDER = 8
"""times as many numbers as in a state a step computes with"""


@dataclass(frozen=True)
class Stepping:
    """One model (M = 1) whose layers all go forward.

    Every step is computed by itself, and sequences in groups whose size does not depend on the number of steps: so a
    sequence that is shown in parts, with the state handed on, gets the very bits that it gets at once.
    """

    internals: Internals
    recurrence: Recurrence

    @cached_property
    def system(self) -> DynamicalSystem:
        return dynamical_system(self.recurrence, self.internals.weights)

    def run(self, inputs: Tensor, state: Tensor | None = None, returning: bool = True) -> tuple[Tensor, Tensor | None]:
        """Answers to sequences (B, T, C), (B, K) or (B, T, K), and the state behind the last step, (B, D).

        Args:
            state: what a call before this one gave; None before the first step.
            returning: whether the state is wanted; it may be thousands of times as large as the answers.
        """
        rows = max(1, GATE_VALUES // (WIDER * max(self.system.size, inputs.shape[2])))
        before = [None] * len(inputs) if state is None else state.split(rows)
        with torch.inference_mode():
            parts = [self._group(part, old, returning) for part, old in zip(inputs.split(rows), before, strict=False)]
        return torch.cat([answers for answers, _ in parts]), (
            torch.cat([states for _, states in parts if states is not None]) if returning else None
        )

    def _group(self, inputs: Tensor, state: Tensor | None, returning: bool) -> tuple[Tensor, Tensor | None]:
        system, every = self.system, self.internals.signature.every_step
        states = system.first(len(inputs)) if state is None else system.parted(state.unsqueeze(0))
        answers = []
        for x in inputs.unbind(1):
            states = system.advance(x.unsqueeze(0), states)
            if every:
                answers.append(self._answer(states[-1][0]))
        answer = torch.stack(answers, dim=1) if every else self._answer(states[-1][0])
        return answer, system.flat(states)[0] if returning else None

    def _answer(self, top: Tensor) -> Tensor:
        """(1, B, H) -> (B, K)."""
        found = affine(self.internals.weights, self.recurrence.readout, top)[0]
        classes = self.internals.signature.problem is Problem.CLASSIFICATION
        return found.softmax(-1) if classes else found


def stepping_of(model: Predictor) -> Stepping | None:
    """The model step by step; None where it keeps no state that could be handed on."""
    internals = model.internals
    recurrence = internals.network.recurrence if internals is not None else None
    if internals is None or recurrence is None or any(len(level) > 1 for level in recurrence.levels):
        return None
    return Stepping(internals, recurrence)
