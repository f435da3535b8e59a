"""Matches as plans and results show them: what each matched model amounts to."""

from __future__ import annotations

from typing import Any

from memspan.experiment.grid import lengths_of, longest_of
from memspan.experiment.matching import COUNTS, TOLERANCE
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.models import build
from memspan.statistics.notation import number


def matches(spec: ExperimentSpec) -> list[dict[str, Any]]:
    """One entry for each model that was matched and each task, of a spec whose widths are written out.

    ``found`` is counted at the longest length; ``least`` and ``most`` are the counts at the shortest and the longest.
    """
    return [
        _entry(spec, index, model, task)
        for index, model in enumerate(spec.models)
        if model.match is not None
        for task in spec.tasks
    ]


def _entry(spec: ExperimentSpec, index: int, model: ModelSpec, task: TaskSpec) -> dict[str, Any]:
    width, match = model.width, model.match
    if width is None or match is None:
        raise AssertionError(f"{model.kind} was not matched")
    longest = longest_of(spec, task)
    lengths = [length for length in lengths_of(spec) if length >= task.minimum_length] if task.has_length else []
    counts = [_count(match.goal, model, task, length) for length in ([lengths[0], longest] if lengths else [longest])]
    widths = {name: getattr(model, name) for name in width.fields}
    sizes = ", ".join(f"{name} {_written(size)}" for name, size in widths.items())
    return {
        "pointer": f"#/models/{index}",
        "kind": model.kind,
        "task": task.model_dump(mode="json"),
        "goal": match.goal,
        "wanted": match.wanted,
        "found": counts[-1],
        "length": longest if task.has_length else None,
        "least": min(counts),
        "most": max(counts),
        "width": widths,
        "sentence": f"matched: {match.goal} {number(counts[-1])} of {number(match.wanted)}, {sizes}",
    }


def _count(goal: str, model: ModelSpec, task: TaskSpec, length: int) -> int:
    """To the next whole number: multiplications of a step are a mean."""
    signature = task.signature(length)
    return round(COUNTS[goal](build(model, signature), signature))


def strays(entry: dict[str, Any]) -> bool:
    """Whether a match holds at the longest length and not at the shortest."""
    return any(abs(entry[end] - entry["wanted"]) > TOLERANCE * entry["wanted"] for end in ("least", "most"))


def _written(size: int | tuple[int, ...]) -> str:
    return str(size) if isinstance(size, int) else str(list(size))
