"""Mixing: states of very many numbers as fewer sums of all of them, from which as much can be read linearly."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

SEED = 1994
STILL = 1e-9
"""deviation, relative to the mean, below which a number stands still"""


@dataclass(frozen=True)
class Mixing:
    """A subsampled randomised Hadamard transform: random signs, a Hadamard matrix, and some of its rows.

    A subspace of fewer dimensions than are kept is mapped to one of as many, nearly with its lengths: what could be
    read from the states is read from the sums. Where states span more, it is a lower bound.

    Attributes:
        signs: ±1 for each number, (D,).
        rows: of the matrix that are kept, (K,).

    Source:
        Ailon & Chazelle (2009), SIAM J. Comput. 39(1); Tropp (2011), arXiv 1011.1595: K of a little more than r log r
        preserve r dimensions.
    """

    signs: Tensor
    rows: Tensor

    def __call__(self, states: Tensor) -> Tensor:
        """(..., D) -> (..., K)."""
        rest = self._padded - len(self.signs)
        spread = torch.nn.functional.pad(states * self.signs, (0, rest))
        mixed: Tensor = hadamard(spread)[..., self.rows] / math.sqrt(len(self.rows))
        return mixed

    @property
    def _padded(self) -> int:
        return 1 << math.ceil(math.log2(len(self.signs)))


def mixing(numbers: int, kept: int) -> Mixing:
    """The same for all states of so many numbers: nothing of it depends on a model or on when it is asked."""
    rng = torch.Generator().manual_seed(SEED)
    signs = 2.0 * torch.randint(0, 2, (numbers,), generator=rng).double() - 1
    rows = torch.randperm(1 << math.ceil(math.log2(numbers)), generator=rng)[:kept].sort().values
    return Mixing(signs, rows)


def hadamard(x: Tensor) -> Tensor:
    """The product with Sylvester's matrix of ±1 along the last axis, whose size is a power of two.

    That of size a b is the Kronecker product of those of size a and b: two products with small matrices.
    """
    power = x.shape[-1].bit_length() - 1
    one, other = (sylvester(each).to(x) for each in (power // 2, power - power // 2))
    square = x.unflatten(-1, (len(one), len(other)))
    made: Tensor = (one @ square @ other).flatten(-2)
    return made


def sylvester(power: int) -> Tensor:
    """The matrix of size 2^power, symmetric."""
    matrix = torch.ones(1, 1, dtype=torch.float64)
    for _ in range(power):
        matrix = torch.kron(torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64), matrix)
    return matrix


@dataclass(frozen=True)
class Standard:
    """Numbers about their means, in deviations of their own: none drowns in a sum with larger ones.

    Attributes:
        mean, deviation: (..., 1, D); the deviation of a number that stands still is infinite.
    """

    mean: Tensor
    deviation: Tensor

    def __call__(self, states: Tensor) -> Tensor:
        """(..., B, D) -> (..., B, D)."""
        return (states - self.mean) / self.deviation


def standard(samples: Iterable[Tensor]) -> Standard:
    """Means and deviations over the sequences and steps of samples, each (..., B, D)."""
    together = torch.cat(list(samples), dim=-2)
    mean = together.mean(-2, keepdim=True)
    deviation = (together - mean).square().mean(-2, keepdim=True).sqrt()
    return Standard(mean, deviation.masked_fill(deviation <= STILL * (1 + mean.abs()), math.inf))
