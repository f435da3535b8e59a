"""Where and how the conditions of an experiment are trained: a placement each, made once and handed down."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import overload

from memspan.engine.condition import Condition
from memspan.engine.placement import Device, Placement, best_device, place
from memspan.experiment.grid import conditions
from memspan.experiment.spec import ExperimentSpec


class Placements(Sequence[Placement]):
    """The placements of an experiment's conditions, in the order of its grid; each is made when it is first asked for.

    Args:
        gpu: whether a GPU worker is there. Of itself only a large network goes to a GPU; what is asked for is never
            second-guessed.
        device: what is asked for; None = what the spec says.
    """

    def __init__(self, spec: ExperimentSpec, gpu: bool = False, device: Device | None = None) -> None:
        self.spec, self._gpu, self._device = spec, gpu, device or spec.device
        self._made: dict[int, Placement] = {}

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """The grid."""
        return conditions(self.spec)

    def __len__(self) -> int:
        return len(self.conditions)

    @overload
    def __getitem__(self, position: int) -> Placement: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[Placement]: ...
    def __getitem__(self, position: int | slice) -> Placement | Sequence[Placement]:
        if isinstance(position, slice):
            return [self[each] for each in range(*position.indices(len(self)))]
        if position not in self._made:
            self._made[position] = self._place(self.conditions[position])
        return self._made[position]

    def _place(self, condition: Condition) -> Placement:
        if self._device == "auto":
            return place(condition, best_device(condition) if self._gpu else "cpu")
        return place(condition, self._device)
