"""A hidden variable of a task at some steps, as something that a read-out can be fitted to and scored on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MOST_CLASSES = 16
FEWEST_SAMPLES = 8
"""with a value, in either half of the sequences, that a step needs to be decoded; all of them where there are fewer"""


@dataclass(frozen=True)
class HiddenVariable:
    """A hidden variable at some steps.

    Attributes:
        steps: at which it is defined for enough sequences and not the same for all, (P,).
        coded: its value, or a one for its class, (P, B, K) float64; 0 where it is not defined.
        counted: whether it is defined, (P, B, 1).
        classes: whether it has a few whole values; else it is a number.
    """

    steps: Tensor
    coded: Tensor
    counted: Tensor
    classes: bool

    def half(self, second: bool) -> tuple[Tensor, Tensor]:
        """Values and counts of the sequences to fit on, or of those held out."""
        middle = self.coded.shape[1] // 2
        part = slice(middle, None) if second else slice(None, middle)
        return self.coded[:, part], self.counted[:, part]

    def gains(self, read: Tensor) -> Tensor:
        """What each held-out sequence adds to the score: [gain, possible] of what was read (..., P, B/2, K).

        An accuracy is the mean gain over the mean possible; so is R², with gain = possible - squared error.
        """
        coded, counted = self.half(second=True)
        if self.classes:
            hits = (read.argmax(-1) == coded.argmax(-1)).double()
            hits = torch.where(read.isnan().any(-1), torch.nan, hits).unsqueeze(-1)
            return torch.cat([hits * counted, counted.expand_as(hits)], dim=-1)
        mean = (coded * counted).sum(1, keepdim=True) / counted.sum(1, keepdim=True)
        possible = (coded - mean).square() * counted
        error = (coded - read).square() * counted
        return torch.cat([possible - error, possible.expand_as(error)], dim=-1)

    def chance(self) -> Tensor:
        """The score of the best constant, (P,): the share of the commonest class held out, or R² = 0."""
        coded, counted = self.half(second=True)
        if not self.classes:
            return coded.new_zeros(len(coded))
        return ((coded * counted).sum(1) / counted.sum(1)).amax(-1)


def hidden_variable(values: Tensor, points: int) -> HiddenVariable:
    """A variable (B, T), NaN where it has no value yet, at no more than ``points`` steps spread evenly."""
    known = values[~values.isnan()]
    distinct = known.unique()
    classes = bool(len(distinct) <= MOST_CLASSES and (distinct == distinct.round()).all())
    steps = _usable(values)
    if len(steps) > points:
        steps = steps[torch.linspace(0, len(steps) - 1, points).round().long()]
    chosen = values[:, steps].T.unsqueeze(-1).double()  # (P, B, 1)
    counted = (~chosen.isnan()).double()
    coded = (chosen == distinct).double() if classes else chosen.nan_to_num()
    return HiddenVariable(steps, coded, counted, classes)


def _usable(values: Tensor) -> Tensor:
    """Steps at which there is something to tell, (P,)."""
    middle = len(values) // 2
    halves = torch.stack([values[:middle], values[middle:]])  # (2, B/2, T), as the number of sequences is even
    enough = (~halves.isnan()).sum(1).amin(0) >= min(FEWEST_SAMPLES, middle)
    inf = torch.inf
    varied = halves.nan_to_num(nan=-inf).amax(1) > halves.nan_to_num(nan=inf).amin(1)
    return (enough & varied.all(0)).nonzero().flatten()
