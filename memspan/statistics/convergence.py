"""Whether training had come to its end: what became of each repeat's error over the last fifth of its epochs.

Rules for the repeats of one condition, whose false alarms and misses ``python -m benchmarks convergence`` prints:

- a repeat that solved its task is ``converged``: a longer training adds nothing to a success;
- one whose loss stopped being a finite number is ``diverged``;
- one whose last error is not below that of guessing, by more than its validation set leaves open, is
  ``no_better_than_chance``: a plateau from which a longer training may leave, or not;
- one whose error still fell is ``improving``: all that fell, where the mean fall over the repeats lies above 0
  (Student's t over repeats, so that epochs of one run that resemble each other deceive nobody); or one alone of five or
  more, where its fall is more than its scatter about a line and the falls of the others explain. A fall is the slope
  over the last fifth of the epochs, as a share of the error there; below 2 % it counts as none, whatever the repeats;
- any other is ``converged``.

Two repeats, or a single epoch, don't tell whether they still improved: ``unknown``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memspan.statistics.bootstrap import Floats
from memspan.statistics.student import student

State: TypeAlias = Literal["converged", "improving", "diverged", "no_better_than_chance", "unknown"]
STATES: tuple[State, ...] = ("converged", "improving", "diverged", "no_better_than_chance", "unknown")
SHARE = 0.2
"""of the epochs, the last ones, that are looked at"""
FEWEST = 3
"""of these where there are so many: fewer show no scatter"""
LEAST_FALL = 0.02
"""of the error over the last fifth: what falls more slowly is a tenth lower after as long a training again"""
FALSE_ALARMS = 0.02
"""share of conditions that have converged and are called improving, at most; half of it for either rule"""
CHANCE_DEVIATIONS = 2.33
"""standard errors of a validation set by which an error must lie below that of guessing: 1 % of guessers do"""
MOST_OF_CHANCE = 0.5
"""share of the error of guessing below which no error counts as guessing, however small the validation set"""
SOME = 3
"""repeats from which their mean fall is judged"""
MANY = 5
"""repeats from which the falls of the others say how large one may be by chance"""
NORMAL = 1.4826
"""deviation of a normal number whose median distance from the middle is 1"""
HEAVY = 5
"""degrees of freedom at most of a fall beside the others: some runs jump farther than normal numbers do"""

Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Guessing:
    """What needs no training.

    Attributes:
        error: of the best guess: a share of wrong answers, or a mean squared error.
        deviation: standard error of it on a validation set.
    """

    error: float
    deviation: float

    @property
    def bound(self) -> float:
        """Errors from here on are those of guessing."""
        return max(self.error - CHANCE_DEVIATIONS * self.deviation, MOST_OF_CHANCE * self.error)


def guessed_classes(chance: float, sequences: int) -> Guessing:
    """Of a classification whose best guess is right with probability ``chance``."""
    return Guessing(1 - chance, sqrt(chance * (1 - chance) / sequences))


def guessed_numbers(variance: float, sequences: int) -> Guessing:
    """Of a regression: always the mean; the deviation is that of a normal target's variance."""
    return Guessing(variance, variance * sqrt(2 / sequences))


def tail(epochs: int) -> int:
    """How many of the last epochs are looked at."""
    return min(epochs, max(FEWEST, ceil(SHARE * epochs)))


def states(errors: Floats, solved: Flags, diverged: Flags, guessing: Guessing | None) -> tuple[State, ...]:
    """What became of each repeat of a condition.

    Args:
        errors: over the last epochs of each repeat, 0 or more; NaN where it has none.
        guessing: None where nobody knows how well a guess does.

    Shapes:
        errors (n, k), solved (n,), diverged (n,) -> n states
    """
    measured = np.isfinite(errors).all(axis=1) if errors.shape[1] else np.zeros(len(errors), dtype=bool)
    guesses = np.zeros(len(errors), dtype=bool)
    if guessing is not None and errors.shape[1]:
        guesses = measured & (errors[:, -1] >= guessing.bound)
    still = measured & ~solved & ~diverged & ~guesses
    falling, known = np.zeros(len(errors), dtype=bool), np.zeros(len(errors), dtype=bool)
    falling[still], known[still] = improving(errors[still]), judged(int(still.sum()), errors.shape[1])
    return tuple(_state(*flags) for flags in zip(diverged, solved, guesses, falling, known, strict=True))


def _state(diverged: bool, solved: bool, guesses: bool, falling: bool, known: bool) -> State:
    if diverged:
        return "diverged"
    if solved:
        return "converged"
    if guesses:
        return "no_better_than_chance"
    if falling:
        return "improving"
    return "converged" if known else "unknown"


def judged(repeats: int, epochs: int) -> bool:
    """Whether so many repeats of so many last epochs can tell that nothing improves."""
    return repeats >= SOME and epochs > 1


def improving(errors: Floats) -> Flags:
    """Which repeats' errors still fell.

    Shapes:
        errors (n, k), finite -> (n,)
    """
    n, k = errors.shape
    if not judged(n, k):
        return np.zeros(n, dtype=bool)
    falls, scatter, freedom = _falls(errors)
    material = falls >= LEAST_FALL
    together = _together(falls) and falls.mean() >= LEAST_FALL
    return np.asarray(material & (together | _alone(falls, scatter, freedom)))


def _falls(errors: Floats) -> tuple[Floats, float, int]:
    """How far each repeat falls from the first to the last epoch on its line, as a share of its mean error; the
    standard error of that by the scatter about the lines of all repeats, and its degrees of freedom.

    Shapes:
        errors (n, k) -> falls (n,)
    """
    n, k = errors.shape
    mean = errors.mean(axis=1, keepdims=True)
    relative = errors / np.where(mean > 0, mean, 1)
    at = np.arange(k) - (k - 1) / 2
    slopes = relative @ at / (at @ at)
    freedom = n * (k - 2)
    about = relative - relative.mean(axis=1, keepdims=True) - slopes[:, None] * at
    deviation = sqrt(float((about**2).sum()) / freedom) if freedom else 0.0
    return -slopes * (k - 1), deviation * (k - 1) / sqrt(float(at @ at)), freedom


def _together(falls: Floats) -> bool:
    """Whether the mean fall over repeats lies above 0."""
    n = len(falls)
    error = float(falls.std(ddof=1)) / sqrt(n)
    return bool(falls.mean() > student(n - 1, 1 - FALSE_ALARMS / 2) * error)


def _alone(falls: Floats, scatter: float, freedom: int) -> Flags:
    """Which falls are larger than scatter explains, that of the repeat itself or that of the others."""
    n = len(falls)
    if n < MANY or not freedom:
        return np.zeros(n, dtype=bool)
    level = 1 - FALSE_ALARMS / 2 / n
    others = NORMAL * float(np.median(np.abs(falls - np.median(falls))))
    return np.asarray(falls > max(student(freedom, level) * scatter, student(min(n // 2, HEAVY), level) * others))


def counts(found: Sequence[State]) -> dict[str, int]:
    """How many repeats are in each state."""
    counted = Counter(found)
    return {state: counted[state] for state in STATES}


def overall(counted: Mapping[str, int]) -> State | None:
    """What is said of a condition: improving where some repeat still improved, else what most of them are.

    Of two states equally frequent the worse one; None where no repeat has ended.
    """
    if counted["improving"]:
        return "improving"
    worst = ("diverged", "no_better_than_chance", "unknown", "converged")
    most = max(worst, key=lambda state: counted[state])  # the first of several
    return most if counted[most] else None  # type: ignore[return-value]
