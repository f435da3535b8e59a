"""What a result was trained by, and whether that was enough, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from memspan.statistics.notation import UNKNOWN, number

Part = Mapping[str, Any]
NAMES = {"adam": "Adam", "adamw": "AdamW", "nadam": "Nadam", "rmsprop": "RMSprop", "sgd": "SGD"}
STATES = {
    "converged": "converged",
    "improving": "still improving",
    "diverged": "diverged",
    "no_better_than_chance": "no better than chance",
    "unknown": "unknown",
}


def budget_words(budget: Part | None) -> str:
    """2,500 steps of Adam at 0.001; empty where nothing is known of it."""
    if not budget:
        return ""
    name = NAMES.get(budget["optimizer"], str(budget["optimizer"]))
    words = f"{number(budget['steps'])} steps of {name} at {number(budget['learning_rate'])}"
    return f"at most {words}, until converged" if budget.get("until") else words


def after(entries: Iterable[Part]) -> str:
    """``after 2,500 steps of Adam at 0.001``, of results with one budget; empty where there is none."""
    words = list(dict.fromkeys(word for entry in entries if (word := budget_words(entry.get("budget")))))
    return f"after {'; or '.join(words)}" if words else ""


def convergence_word(entry: Part) -> str:
    """The state of one result; a dash where none is known."""
    return STATES.get((entry.get("convergence") or {}).get("state") or "", UNKNOWN)


def runs_words(entry: Part) -> str:
    """How many repeats are in each state: ``8 converged, 2 still improving``."""
    counted = (entry.get("convergence") or {}).get("runs") or {}
    return ", ".join(f"{number(count)} {STATES[state]}" for state, count in counted.items() if count)


def steps_words(entry: Part) -> str:
    """Optimiser steps until half of the repeats had solved the task: ``1,500 (1,000 to 2,000)``, or ``> 2,500``."""
    found = entry.get("steps_to_solve")
    if not found:
        return UNKNOWN
    if found.get("censored"):
        return f"> {number(found['median'])}"
    ends = (found.get("low"), found.get("high"))
    if ends == (None, None):
        return number(found["median"])
    return f"{number(found['median'])} ({number(ends[0])} to {'∞' if ends[1] is None else number(ends[1])})"


def enough(conditions: Sequence[Part], what: str) -> str:
    """A sentence on whether some conditions were trained for long enough; empty where nothing is known.

    Args:
        what: a longer training may change.
    """
    states = [state for each in conditions if (state := (each.get("convergence") or {}).get("state"))]
    if not states:
        return ""
    told = [
        _told(states, "improving", f"still improving: longer training may change {what}"),
        _told(states, "no_better_than_chance", "no better than chance when training ended"),
        _told(states, "diverged", "diverged"),
        _told(states, "unknown", "too short, or repeated too rarely, to tell whether more training would help"),
    ]
    found = [each for each in told if each]
    return " ".join(found) if found else f"All {_counted(len(states))} had converged."


def _told(states: Sequence[str], state: str, words: str) -> str:
    count = states.count(state)
    if not count:
        return ""
    was = "was" if len(states) == 1 or count == 1 else "were"
    verb = words if state == "diverged" else f"{was} {words}"
    return f"{number(count)} of {_counted(len(states))} {verb}."


def _counted(conditions: int) -> str:
    return f"{number(conditions)} condition{'s' if conditions > 1 else ''}"
