"""An answer as a page of Markdown, from its document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from memspan.needed_history.rows import by_context, columns, fades, recipe, used
from memspan.statistics.notation import number

Document = Mapping[str, Any]


def markdown(answer: Document) -> str:
    """The sentence, what has to be said beside it, and the tables."""
    parts = [f"**{answer['sentence']}**", *filter(None, [answer["beside"]]), answer["meaning"], *answer["cautions"]]
    parts += ["  \n".join(recipe(answer))]
    if len(answer["learners"]) > 1:
        parts += ["\n".join(f"- {each['sentence']}" for each in answer["learners"])]
    parts += used(answer)
    if answer["fades"]:
        parts += [_table(["percent of the skill", "steps"], fades(answer))]
    for each in answer["learners"]:
        heading = ["context", f"loss of {each['model']['kind']} (95 % interval)", "skill", "MASE", "adds"]
        parts += [_table(heading, by_context(each))]
    if answer["columns"]:
        parts += [_table(["column", "steps", "interval", "p", "share of the loss"], columns(answer))]
    return "\n\n".join(parts) + "\n"


def _table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heading, ["---"] * len(heading), *([number(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
