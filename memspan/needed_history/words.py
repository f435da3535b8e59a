"""The answer in one sentence, and what has to be said beside it, from its document alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SURE_ROWS = 150
"""rows below which the gate misses what is there too often"""
SURE_BLOCKS = 20
"""blocks of test points below which the interval is a guess"""
LEARNERS = {"ridge": "ridge regression", "best": "the best of the learners"}
GAINED = {"constant": "over the training mean", "persistence": "beyond the last value"}


def counted(count: int, step: str) -> str:
    """``1 year``, ``9 years``."""
    return f"{count:,} {step}{'' if count == 1 else 's'}"


def quoted(finding: Mapping[str, Any], step: str) -> str:
    """Number and interval as one quotes them: ``9 years (8 to 9)``."""
    return f"{counted(finding['steps'], step)} ({finding['low']:,} to {finding['high']:,})"


def sentence(finding: Mapping[str, Any], target: str, step: str) -> str:
    """The one sentence."""
    longest, learner = counted(finding["longest"], step), _learner(finding)
    p = finding["references"][finding["reference"]]["p"]
    if finding["state"] == "none":
        return f"Nothing within {longest} helps {learner} to foretell {target} (p = {p:.2f}): no context of up to " \
               f"{longest} beats {_beaten(finding)}."  # fmt: skip
    if finding["last_value_is_all"]:
        return f"The last value of {target} is all: with up to {longest}, {learner} does not beat persistence " \
               f"(p = {p:.2f})."  # fmt: skip
    if finding["state"] == "beyond":
        return f"{target} needs {counted(finding['steps'], step)} or more: {learner} still gains at the longest " \
               f"context that was tried, {longest}."  # fmt: skip
    said = f"{target} needs {quoted(finding, step)}: the first context with which {learner} keeps 95 % of what it " \
           f"gains {GAINED[finding['reference']]} with up to {longest}."  # fmt: skip
    return f"{said} {fading(finding, step)}" if finding["state"] == "fades" else said


def fading(finding: Mapping[str, Any], step: str) -> str:
    """How slowly the skill comes: ``It fades: half of the skill by 1, 95 % by 5, 99 % by 9 steps.``"""
    steps = finding["fades"]
    last = counted(steps["99"], step)
    return f"It fades: half of the skill by {steps['50']}, 95 % by {steps['95']}, 99 % by {last}."


def other_reference(finding: Mapping[str, Any], step: str) -> str | None:
    """What the same losses say against the reference that is not the headline's; None where that adds nothing."""
    name = "constant" if finding["reference"] == "persistence" else "persistence"
    need = finding["references"][name]
    if finding["state"] == "none" or finding["last_value_is_all"]:
        return None
    if name == "constant":
        return f"Against the training mean {quoted(need, step)} would do."
    if need["steps"] == finding["steps"]:
        return None
    if not need["found"]:
        return f"No context is known to beat the last value (p = {need['p']:.2f})."
    return f"Beyond what the last value tells: {quoted(need, step)}; that interval is sound for a memory with a " \
           "sharp end, not for one that falls as a power law."  # fmt: skip


def cautions(finding: Mapping[str, Any], rows: int) -> list[str]:
    """What a reader has to know before the answer is believed."""
    found = []
    if rows < SURE_ROWS:
        found.append(
            f"{rows} rows: below {SURE_ROWS}, a memory as clear as AR(1) .7 is missed in up to half of such series."
        )
    blocks = finding["scored_on"] / finding["block"]
    if blocks < SURE_BLOCKS:
        found.append(
            f"The test holds {blocks:.0f} blocks of points; with fewer than {SURE_BLOCKS} the interval is rough."
        )
    return found


def meaning(finding: Mapping[str, Any], rows: int) -> str:
    """How the number is to be read."""
    points = f"{finding['trained_on']:,} points trained on, {finding['scored_on']:,} scored, each before it was known"
    return f"That is what {_learner(finding)} can use with {rows:,} rows ({points}), not the order of the process."


def _learner(finding: Mapping[str, Any]) -> str:
    kind = str(finding["model"]["kind"])
    return LEARNERS.get(kind, kind)


def _beaten(finding: Mapping[str, Any]) -> str:
    return "persistence" if finding["reference"] == "persistence" else "the training mean"
