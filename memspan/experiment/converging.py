"""Convergence in results: how many repeats, and how many conditions, had come to the end of what they learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memspan.experiment.digest import Digest
from memspan.statistics.convergence import STATES, State, counts, overall


def condition_convergence(digest: Digest) -> dict[str, Any]:
    """The state of a condition, and how many of its repeats are in each."""
    return {"state": overall(digest.ends), "runs": dict(digest.ends)}


def span_convergence(digests: Sequence[Digest]) -> dict[str, Any]:
    """The same of the conditions of a memory span, with how many of them are in each state.

    It is ``improving`` where any of them still improved; else it is that of most conditions that fewer than half of
    the repeats solve, for these are what keeps a span short.
    """
    ends = [(overall(each.ends), 2 * each.solved < each.succeeded) for each in digests]
    states: list[State] = [state for state, _ in ends if state is not None]
    unsolved: list[State] = [state for state, short in ends if short and state is not None]
    return {
        "state": "improving" if "improving" in states else overall(counts(unsolved or states)),
        "runs": {state: sum(each.ends[state] for each in digests) for state in STATES},
        "conditions": counts(states),
    }
