"""Answers by lag: of those to what was shown how many steps ago, how many were right.

Lags are counted in bins: each up to 4, then two to an octave (5 to 6, 7 to 8, 9 to 12, ...).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Bins = tuple[tuple[int, int], ...]
"""First and last lag of each bin, ascending."""


@dataclass(frozen=True)
class LagCounts:
    """Of each bin in which something was asked: its first and last lag, and how many answers were right.

    Attributes:
        first, last: lags in steps.
        asked: answers that were due.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]
    asked: tuple[int, ...]
    correct: tuple[int, ...]


def bins(length: int) -> Bins:
    """The bins of sequences of so many steps; the last one ends with the longest lag that they can have."""
    longest, lasts, last = max(length - 1, 0), [0], 1
    while last < longest:
        lasts.append(last)
        last = _next(last)
    if longest:
        lasts.append(longest)
    return tuple((before + 1, last) for before, last in zip([-1, *lasts], lasts, strict=False))


def _next(last: int) -> int:
    """The end of the next bin: 1, 2, 3, 4, 6, 8, 12, 16, ..."""
    octave = 1 << (last.bit_length() - 1)
    return last + max(octave // 2, 1)


def names(of: Bins) -> tuple[str, ...]:
    """What is added up for each bin: answers that were due, and right ones."""
    return tuple(f"{what}.{number}" for what in ("asked", "correct") for number in range(len(of)))


def add(totals: Mapping[str, Tensor], hits: Tensor, lags: Tensor, length: int) -> None:
    """Count the answers of a population in.

    Args:
        totals: (M,) by name.
        hits: whether each answer is right, (M, B, A).
        lags: of each, (B, A); those below 0 don't count.
    """
    of = bins(length)
    lasts = torch.tensor([last for _, last in of], device=lags.device)
    told = lags >= 0
    place = torch.bucketize(lags[told], lasts)  # (N,)
    asked = torch.bincount(place, minlength=len(of))
    correct = torch.zeros(len(hits), len(of), dtype=torch.float64, device=lags.device)
    correct.index_add_(1, place, hits[:, told].double())  # whole numbers: the order of the sum changes no bit
    for number in range(len(of)):
        totals[f"asked.{number}"].add_(asked[number])
        totals[f"correct.{number}"].add_(correct[:, number])


def gathered(of: Bins, totals: Mapping[str, float]) -> LagCounts:
    """What was added up for one member."""
    asked, correct = ([int(totals[f"{what}.{n}"]) for n in range(len(of))] for what in ("asked", "correct"))
    there = [number for number, count in enumerate(asked) if count]
    return LagCounts(
        first=tuple(of[number][0] for number in there),
        last=tuple(of[number][1] for number in there),
        asked=tuple(asked[number] for number in there),
        correct=tuple(correct[number] for number in there),
    )
