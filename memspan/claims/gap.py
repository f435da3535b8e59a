"""A gap between two conditions, and how much of it a third one closes."""

from __future__ import annotations

import numpy as np

from memspan.claims.measured import Floats, Measured, NotMeasured, bootstrapped


def closed(worse: Floats, other: Floats, better: Floats) -> Measured:
    """How far a condition goes from the losses of a worse one down to those of a better one.

    (log a - log b) / (log a - log c) of the three medians: 0 at the worse, 1 at the better, and a loss that was
    divided by ten counts as much whether it was large or small.

    Raises:
        NotMeasured: the better one is not ahead, so there is no gap.
    """
    if not _median(worse) > _median(better):
        raise NotMeasured("The two conditions show no gap that a third could close.")
    return bootstrapped(_share, worse, other, better)


def _median(losses: Floats) -> float:
    """Of the repeats that have a finite loss; NaN where none has."""
    finite = losses[np.isfinite(losses)]
    return float(np.median(finite)) if len(finite) else np.nan


def _share(worse: Floats, other: Floats, better: Floats) -> Floats:
    """Over the last axis."""
    a, b, c = (np.log(np.median(each, axis=-1)) for each in (worse, other, better))
    share: Floats = (a - b) / (a - c)
    return share


def apart(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> Measured:
    """By how many powers of ten the first pair's ratio of medians exceeds the second pair's."""

    def difference(*groups: Floats) -> Floats:
        a, b, c, d = (np.log10(np.median(each, axis=-1)) for each in groups)
        found: Floats = (a - b) - (c - d)
        return found

    return bootstrapped(difference, *first, *second)


def epochs_needed(lines: Floats, mark: Floats) -> Floats:
    """The first epoch, from 1, after which each line (R, E) is at or below its mark (R,); E + 1 where none is."""
    there = lines <= mark[:, None]
    needed: Floats = np.where(there.any(1), there.argmax(1) + 1.0, lines.shape[1] + 1.0)
    return needed
