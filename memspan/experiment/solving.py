"""Steps to solve: how long half of the repeats take, of which some were never seen to solve their task."""

from __future__ import annotations

from math import inf
from typing import Any

from memspan.experiment.trained_runs import Needed
from memspan.statistics.survival import median


def steps_to_solve(needed: Needed) -> dict[str, Any] | None:
    """The median over repeats of the optimiser steps until the validation set first met the criterion.

    Where fewer than half were seen to, it is ``censored`` "above", and ``median`` is for how long they were watched. An
    open end of the interval is None; one repeat has no interval.
    """
    if not needed:
        return None
    steps, solved = [at for at, _ in needed], [there for _, there in needed]
    found = median(steps, solved)
    known = len(needed) > 1
    return {
        "median": max(steps) if found.value == inf else found.value,
        "low": found.low if known and found.low != inf else None,
        "high": found.high if known and found.high != inf else None,
        "censored": "above" if found.value == inf else None,
        "solved": sum(solved),
        "n": len(needed),
    }
