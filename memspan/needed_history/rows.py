"""The tables of an answer as rows of what is shown, for a terminal and for Markdown alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from memspan.needed_history.words import counted
from memspan.statistics.notation import number, with_interval

Document = Mapping[str, Any]
SHORT = 12
"""contexts up to which each has a row, then some"""
GROWTH = 1.3


def by_context(finding: Document) -> Iterator[tuple[str, ...]]:
    """Context, loss with interval, skill against persistence, MASE, and what the step adds as a share of the skill."""
    shown = _shown(finding)
    for row in finding["by_context"]:
        if row["context"] in shown:
            mark = " <-" if row["context"] == finding["steps"] else ""
            adds = "" if row["adds"] is None else f"{row['adds']:+.0%}"
            loss = str(with_interval(row["loss"], row["low"], row["high"]))
            yield f"{row['context']}{mark}", loss, number(row["skill"]), number(row["mase"]), adds


def _shown(finding: Document) -> set[int]:
    """All short contexts, some longer ones, and those around the answer."""
    contexts = [row["context"] for row in finding["by_context"]]
    kept = {each for each in contexts if each <= SHORT or abs(each - finding["steps"]) <= 1} | {contexts[-1]}
    next_shown = SHORT * GROWTH
    for each in contexts:
        if each >= next_shown:
            kept.add(each)
            next_shown = each * GROWTH
    return kept


def fades(finding: Document) -> Iterator[tuple[str, int]]:
    """How many steps keep each percent of the skill."""
    for share, steps in finding["fades"].items():
        yield f"{share} %", steps


def columns(answer: Document) -> Iterator[tuple[str, ...]]:
    """How far back each column matters beside the others."""
    for each in answer["columns"]:
        steps = number(each["steps"]) if each["found"] else "nothing found"
        yield each["name"], steps, f"{each['low']} to {each['high']}", f"{each['p']:.3f}", f"{each['share']:.1%}"


def recipe(answer: Document) -> list[str]:
    """Two lines to use the answer by: what to feed, and what to expect."""
    recipe = answer["recipe"]
    if not recipe["context"]:
        return [f"Answer the training mean of {answer['target']}; its history is of no use here."]
    ahead = counted(answer["horizon"], answer["step"])
    last = "row" if recipe["context"] == 1 else f"{recipe['context']:,} rows"
    columns = ", ".join(answer["inputs"])
    expected = "" if recipe["expected_mase"] is None else f" Expect a MASE of {number(recipe['expected_mase'])}."
    return [
        f"Feed the last {last} of {columns} to {recipe['model']['kind']}; foretell {answer['target']} {ahead} ahead.",
        f"Longer contexts bring at most the last 5 % of the skill.{expected}",
    ]


def used(answer: Document) -> list[str]:
    """How far back trained networks look, which is another question."""
    return [
        f"A trained {each['model']} that knows {counted(each['length'], answer['step'])} looks at the last "
        f"{number(each['steps'])} ({number(each['low'])} to {number(each['high'])}): what it uses, not what is needed."
        for each in answer["used"]
        if each["steps"] is not None
    ]
