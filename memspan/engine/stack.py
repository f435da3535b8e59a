"""The places of a population: which repeat sits where, and what fills the gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


class PlacesClash(ValueError):
    """Two repeats of a population need the same place in the stack."""


@dataclass(frozen=True)
class Stack:
    """A stack of ``width`` places; repeat r always sits at place r modulo width.

    Its neighbours can't change a run's numbers then: the program, its shapes and the run's place in it are the same
    whoever else is there. A stack that is ``dense`` has only as many places as repeats, for an engine whose numbers
    depend on no place.
    """

    width: int
    repeats: tuple[int, ...]
    dense: bool = False

    def __post_init__(self) -> None:
        if len(set(self.places.values())) < len(self.repeats):
            raise PlacesClash(f"Repeats {self.repeats} do not fit side by side into a stack of {self.width}.")

    @property
    def places(self) -> dict[int, int]:
        """The place of each repeat."""
        if self.dense:
            return {repeat: place for place, repeat in enumerate(self.repeats)}
        return {repeat: repeat % self.width for repeat in self.repeats}

    def fill(self, items: Mapping[int, Item]) -> Sequence[Item]:
        """One item for each place: each repeat's own, and the first repeat's where there is nobody."""
        filler = items[self.repeats[0]]
        seated = {place: items[repeat] for repeat, place in self.places.items()}
        return [seated.get(place, filler) for place in range(len(self.repeats) if self.dense else self.width)]
