"""What a result was trained by, and whether that was enough, in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from memspan.statistics.notation import UNKNOWN, number

Part = Mapping[str, Any]
NAMES = {"adam": "Adam", "adamw": "AdamW", "nadam": "Nadam", "rmsprop": "RMSprop", "sgd": "SGD"}
WORDS = {"learning_rate": "learning rate", "clip_norm": "largest norm", "weight_decay": "weight decay"}
"""of numbers that are tuned"""
STATES = {
    "converged": "converged",
    "improving": "still improving",
    "diverged": "diverged",
    "no_better_than_chance": "no better than chance",
    "unknown": "unknown",
}


def budget_words(budget: Part | None) -> str:
    """2,500 steps of Adam at 0.001, and whether that was tuned; empty where nothing is known of it."""
    if not budget:
        return ""
    name, tuned = NAMES.get(budget["optimizer"], str(budget["optimizer"])), budget.get("tuned")
    words = f"{number(budget['steps'])} steps of {name}{_at(budget)}"
    words = f"at most {words}, until converged" if budget.get("until") else words
    return f"{words} ({tuned_words(tuned)})" if tuned else words


def _at(budget: Part) -> str:
    """The learning rate, or the range of those that were chosen."""
    if budget["learning_rate"] is not None:
        return f" at {number(budget['learning_rate'])}"
    rates = [rate for tried in (budget.get("tuned") or {}).get("numbers", ()) for rate in _rates(tried)]
    return f" at {number(min(rates))} to {number(max(rates))}" if rates else ""


def _rates(tried: Part) -> Sequence[float]:
    return tried["chosen"] if tried["name"] == "learning_rate" else ()


def tuned_words(tuned: Part) -> str:
    """tuned: the best of 5 learning rates from 0.0003 to 0.03 by 3 repeats of each, at every length."""
    numbers = tuned["numbers"]
    tried = " x ".join(
        f"{number(len(each['candidates']))} {WORDS[each['name']]}{'s' if len(each['candidates']) > 1 else ''}"
        f"{_from(each['candidates'])}"
        for each in numbers
    )
    others = ", ".join(
        f"{WORDS[each['name']]} {' or '.join(map(number, each['chosen']))}"
        for each in numbers
        if each["chosen"] and each["name"] != "learning_rate"
    )
    where = "at every length" if tuned["length"] is None else f"once, at length {number(tuned['length'])}"
    repeats = f"{number(tuned['repeats'])} repeat{'s' if tuned['repeats'] > 1 else ''}"
    return f"{f'{others}; ' if others else ''}tuned: the best of {tried} by {repeats} of each, {where}"


def _from(candidates: Sequence[float]) -> str:
    return f" from {number(candidates[0])} to {number(candidates[-1])}" if len(candidates) > 1 else ""


def after(entries: Iterable[Part]) -> str:
    """``after 2,500 steps of Adam at 0.001``, of results with one budget; empty where there is none."""
    words = trainings_words([budget for entry in entries if (budget := entry.get("budget"))])
    return f"after {'; or '.join(words)}" if words else ""


def trainings_words(budgets: Sequence[Part]) -> list[str]:
    """Each of some budgets in words, once; those that differ in nothing but what was chosen as one."""
    return list(dict.fromkeys(budget_words(budget) for budget in _merged(budgets)))


def _merged(budgets: Sequence[Part]) -> list[Part]:
    """Budgets that differ in nothing but what was chosen, as one with all that was chosen."""
    found: dict[str, Part] = {}
    for budget in budgets:
        if not budget.get("tuned"):
            found.setdefault(json.dumps(budget, sort_keys=True), budget)
            continue
        numbers = budget["tuned"]["numbers"]
        bare = [{**each, "chosen": None} for each in numbers]
        name = json.dumps(
            {**budget, "learning_rate": None, "tuned": {**budget["tuned"], "numbers": bare}}, sort_keys=True
        )
        found[name] = _joined(found[name], budget) if name in found else budget
    return list(found.values())


def _joined(one: Part, other: Part) -> Part:
    """Two budgets as one, with all that was chosen in either."""
    pairs = zip(one["tuned"]["numbers"], other["tuned"]["numbers"], strict=True)
    numbers = [{**a, "chosen": sorted({*a["chosen"], *b["chosen"]})} for a, b in pairs]
    rate = one["learning_rate"] if one["learning_rate"] == other["learning_rate"] else None
    return {**one, "learning_rate": rate, "tuned": {**one["tuned"], "numbers": numbers}}


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
