"""What was chosen by tuning, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memspan.figures.training_words import WORDS
from memspan.statistics.notation import UNKNOWN, Written, number, with_interval

Part = Mapping[str, Any]


def chosen_words(entry: Part) -> str:
    """0.003, or 0.003, largest norm 1; or what keeps it from being chosen."""
    setting = entry.get("setting")
    if setting is None:
        if entry["open"]:
            return "not yet"
        return f"none: {number(entry['failed'])} of its runs failed" if entry["failed"] else "none"
    told = [
        number(value) if name == "learning_rate" else f"{WORDS[name]} {number(value)}"
        for name, value in setting.items()
    ]
    return f"{', '.join(told)}{' (at the edge)' if entry['at_edge'] else ''}"


def chosen_loss(entry: Part) -> Written:
    """The median validation loss by the chosen setting, with its interval."""
    setting = entry.get("setting")
    if setting is None:
        return Written(UNKNOWN)
    score = next(each for each in entry["scores"] if all(each[name] == value for name, value in setting.items()))
    return with_interval(score["median"], score["low"], score["high"])


def window_words(entry: Part) -> str:
    """0.001 to 0.03, 1.5 (1.0 to 2.0) decades; ``or more`` where it reaches the edge of what was tried."""
    found = entry.get("window")
    if found is None:
        return UNKNOWN
    if found["low"] is None:
        return "none"
    width = with_interval(found["decades"], found["decades_low"], found["decades_high"])
    ends = f"{_rate(found['low'])} to {_rate(found['high'])}" if found["low"] != found["high"] else _rate(found["low"])
    return f"{ends}, {width} decades{' or more' if found['open'] else ''}"


def _rate(value: float) -> str:
    """Two digits: the ends of a window lie between what was tried."""
    return number(float(f"{value:.2g}"))
