"""Mixers: what lets the steps of a sequence see each other, for all steps at once or for one after another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from memspan.interfaces.network import Weight, Weights

Carried = tuple[Tensor, ...]
"""What a mixer carries from step to step, in the order of ``state_sizes``; each (M, B, ...)."""


class Mixer(ABC):
    """The part of a residual block that looks across time; all else acts on each step by itself.

    Its weights have names of its own, which the block puts behind its own name. ``mix`` and ``step`` are two ways to
    compute the same: engines train by the first, probes walk through time by the second.
    """

    grows: ClassVar[bool] = False
    """whether what it carries grows with every step, as a cache does"""

    @property
    def pace(self) -> float:
        """The share of what torch's operations would take with ``kept`` and ``multiplications`` that engines on a
        processor take: less than 1 where compiled loops do their work (``python -m benchmarks modern``)."""
        return 1.0

    @property
    def spared(self) -> frozenset[str]:
        """Matrices that weight decay leaves as they are, beside all vectors: rates at which states fade or turn, and
        biases."""
        return frozenset()

    @property
    def gated(self) -> bool:
        """Whether ``keep`` tells which share of its state a step keeps."""
        return False

    @abstractmethod
    def weights(self) -> dict[str, Weight]:
        """By name, in the order in which they are drawn."""

    @abstractmethod
    def mix(self, weights: Weights, x: Tensor) -> Tensor:
        """All steps at once, (M, B, T, d) -> (M, B, T, d)."""

    @abstractmethod
    def first(self, weights: Weights, batch: int) -> Carried:
        """What is carried before the first step."""

    @abstractmethod
    def step(self, weights: Weights, x: Tensor, carried: Carried) -> tuple[Tensor, Carried]:
        """One step, (M, B, d) -> (M, B, d), and what is carried on."""

    @abstractmethod
    def state_sizes(self, length: int) -> Mapping[str, int]:
        """Numbers of each state that is carried, by its name; where they grow, at the end of ``length`` steps."""

    @abstractmethod
    def kept(self, length: int) -> int:
        """Numbers that a forward pass keeps of a sequence for the way back."""

    @abstractmethod
    def multiplications(self, length: int) -> int:
        """Of numbers with numbers, in one forward pass of one sequence, those of elementwise operations left out."""

    @abstractmethod
    def operations(self, length: int) -> int:
        """Operations of torch in one forward pass: what launching them costs, small networks mostly wait for."""

    def reach(self) -> int | None:
        """Steps before its own that an answer depends on; None where nothing bounds them."""
        return None

    def keep(self, weights: Weights, x: Tensor) -> Tensor:
        """The share of its state that each step keeps, in 0 .. 1: (M, B, T, d) -> (M, B, T, U) for U gates.

        Raises:
            NotImplementedError: it isn't ``gated``.
        """
        raise NotImplementedError(f"{type(self).__name__} has no gate that keeps a share of its state.")
