"""The headline of results: the experiment's answer in one or two plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memspan.figures.document import finite, metric_of, of_task
from memspan.figures.naming import Naming, naming
from memspan.statistics import notation

Part = Mapping[str, Any]
UNFINISHED = {"queued", "running", "paused"}
NOTHING = {
    "queued": "No answer yet: the runs are waiting for a worker.",
    "running": "No answer yet: the first runs are being trained.",
    "paused": "No answer yet: the experiment is paused.",
}


def headline(results: Part) -> list[str]:
    """A sentence for each task: how far each model remembers, or how well it does where a task has no length."""
    names, state = naming(results), results["experiment"].get("state", "")
    said = {names.task(task): _of_task(results, names, task) for task in names.tasks}
    several, unfinished = len(said) > 1, state in UNFINISHED
    sentences = [_opening(task if several else "", unfinished) + text for task, text in said.items() if text]
    return sentences or [NOTHING.get(state, "No run came to an end, so there is no answer.")]


def _opening(task: str, unfinished: bool) -> str:
    words = ([task] if task else []) + (["so far" if task else "So far"] if unfinished else [])
    return ", ".join(words) + ": " if words else ""


def _of_task(results: Part, names: Naming, task: Part) -> str:
    spans = of_task(results, "spans", task)
    return _spans(spans, names) if spans else _scores(of_task(results, "conditions", task), names)


def _spans(spans: Sequence[Part], names: Naming) -> str:
    """Longest first."""
    order = {"above": 0, None: 1, "below": 2}
    known = [span for span in spans if finite(span.get("span")) is not None]
    ranked = sorted(known, key=lambda span: (order[span.get("censored")], -span["span"]))
    reached = "; ".join(_reach(names.model(span["model"]), span) for span in ranked)
    return f"{reached}." if reached else ""


def _reach(name: str, span: Part) -> str:
    if span.get("censored") == "above":
        return f"{name} remembers beyond the longest tested length, {notation.number(span['span'])}"
    if span.get("censored") == "below":
        return f"{name} does not reach the shortest tested length, {notation.number(span['span'])}"
    found = notation.span_with_interval(span)
    return f"{name} remembers about {found.value} steps ({found.interval})"


def _scores(conditions: Sequence[Part], names: Naming) -> str:
    """Best first."""
    metric = metric_of(list(conditions))
    known = [(item["model"], summary) for item in conditions if (summary := _summary(item, metric))]
    ranked = sorted(known, key=lambda pair: pair[1]["mean"], reverse=metric == "test_accuracy")
    clauses = [f"{names.model(model)} {_score(summary)}" for model, summary in ranked]
    return f"{metric.replace('_', ' ').capitalize()}: {'; '.join(clauses)}." if clauses else ""


def _summary(condition: Part, metric: str) -> Part | None:
    """The metric's summary if any repeat gave a finite number."""
    summary: Part = (condition.get("metrics") or {}).get(metric) or {}
    return summary if finite(summary.get("mean")) is not None else None


def _score(summary: Part) -> str:
    return str(notation.with_interval(summary.get("mean"), summary.get("low"), summary.get("high")))
