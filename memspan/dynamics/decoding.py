"""How well a hidden variable can be read from states."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from memspan.dynamics.readout import Readout, fitted
from memspan.statistics.interval import Floats

MOST_CLASSES = 16
FEWEST_SAMPLES = 8
"""with a value, in either half of the sequences, that a step needs to be decoded; all of them where there are fewer"""
RIDGE = 1e-6


@dataclass(frozen=True)
class Hidden:
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

    def marks(self, guesses: Tensor) -> Tensor:
        """What each held-out sequence adds to the score: [gain, possible] of guesses (..., P, B/2, K).

        An accuracy is the mean gain over the mean possible; so is R², with gain = possible - squared error.
        """
        coded, counted = self.half(second=True)
        if self.classes:
            hits = (guesses.argmax(-1) == coded.argmax(-1)).double()
            hits = torch.where(guesses.isnan().any(-1), torch.nan, hits).unsqueeze(-1)
            return torch.cat([hits * counted, counted.expand_as(hits)], dim=-1)
        mean = (coded * counted).sum(1, keepdim=True) / counted.sum(1, keepdim=True)
        possible = (coded - mean).square() * counted
        error = (coded - guesses).square() * counted
        return torch.cat([possible - error, possible.expand_as(error)], dim=-1)

    def chance(self) -> Tensor:
        """The score of the best constant, (P,): the share of the commonest class held out, or R² = 0."""
        coded, counted = self.half(second=True)
        if not self.classes:
            return coded.new_zeros(len(coded))
        return ((coded * counted).sum(1) / counted.sum(1)).amax(-1)


def hidden(values: Tensor, points: int) -> Hidden:
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
    return Hidden(steps, coded, counted, classes)


def _usable(values: Tensor) -> Tensor:
    """Steps at which there is something to tell, (P,)."""
    middle = len(values) // 2
    halves = torch.stack([values[:middle], values[middle:]])  # (2, B/2, T), as the number of sequences is even
    enough = (~halves.isnan()).sum(1).amin(0) >= min(FEWEST_SAMPLES, middle)
    inf = torch.inf
    varied = halves.nan_to_num(nan=-inf).amax(1) > halves.nan_to_num(nan=inf).amin(1)
    return (enough & varied.all(0)).nonzero().flatten()


def decoded(states: Tensor, variable: Hidden) -> Tensor:
    """Marks (P, B/2, 2) of a read-out for each step, fitted on the first half of sequences: states (P, B, H)."""
    middle = states.shape[1] // 2
    coded, counted = variable.half(second=False)
    readout = fitted(states[:, :middle], coded, counted, RIDGE)
    return variable.marks(readout(states[:, middle:]))


@dataclass(frozen=True)
class BestUnit:
    """The unit that tells the variable best by itself, at all steps alike.

    Attributes:
        unit: its place in the layer.
        score: of its own read-out, held out.
        share: of the squared weights of all units' common read-out, each unit standardised.
    """

    unit: int
    score: float
    share: float


def best_unit(states: Tensor, variable: Hidden) -> BestUnit:
    """Search the units of states (P, B, H)."""
    pooled, units = _pooled(variable), states.shape[-1]
    middle = states.shape[1] // 2
    train, test = (half.flatten(0, 1).unsqueeze(0) for half in (states[:, :middle], states[:, middle:]))
    coded, counted = pooled.half(second=False)
    scores = [
        score(pooled.marks(_alone(train, test, unit, coded, counted)).mean((0, 1)).numpy()) for unit in range(units)
    ]
    weights = fitted(train, coded, counted, RIDGE).weights[0].square().sum(-1)  # (H,)
    best = max(range(units), key=lambda unit: scores[unit])
    return BestUnit(best, float(scores[best]), float(weights[best] / weights.sum()))


def score(marks: Floats) -> Floats:
    """Mean gain over mean possible, of means (..., 2)."""
    found: Floats = marks[..., 0] / marks[..., 1]
    return found


def _alone(train: Tensor, test: Tensor, unit: int, coded: Tensor, counted: Tensor) -> Tensor:
    readout: Readout = fitted(train[..., unit : unit + 1], coded, counted, RIDGE)
    return readout(test[..., unit : unit + 1])


def _pooled(variable: Hidden) -> Hidden:
    """All steps as one, halves kept apart."""
    halves = [variable.half(second) for second in (False, True)]
    coded, counted = (torch.cat([half[i].flatten(0, 1) for half in halves]).unsqueeze(0) for i in (0, 1))
    return Hidden(variable.steps[:1], coded, counted, variable.classes)
