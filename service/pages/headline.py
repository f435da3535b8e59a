"""The headline of results: the experiment's answer in one or two plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memspan.figures.document import finite, metric_of, of_task
from memspan.figures.naming import Naming, naming
from memspan.figures.training_words import after, enough
from memspan.statistics import notation

Part = Mapping[str, Any]
UNFINISHED = {"queued", "running", "paused"}
NOTHING = {
    "queued": "No answer yet: the runs are waiting for a worker.",
    "running": "No answer yet: the first runs are being trained.",
    "paused": "No answer yet: the experiment is paused.",
}


def headline(results: Part) -> list[str]:
    """A sentence for each task: how far each model remembers, or how well it does where a task has no length; after
    which training, and whether that was enough."""
    names, state = naming(results), results["experiment"].get("state", "")
    said = {names.task(task): _of_task(results, names, task) for task in names.tasks}
    opening = "so far, " if state in UNFINISHED else ""
    sentences = [_opened(task if len(said) > 1 else "", opening + text) for task, text in said.items() if text]
    return sentences or [NOTHING.get(state, "No run came to an end, so there is no answer.")]


def _opened(task: str, text: str) -> str:
    """A sentence, behind its task where there are several."""
    return f"{task}: {text}" if task else text[0].upper() + text[1:]


def _of_task(results: Part, names: Naming, task: Part) -> str:
    spans, conditions = of_task(results, "spans", task), of_task(results, "conditions", task)
    if spans:
        return _with_training(_spans(spans, names), conditions, "these spans")
    return _with_training(_scores(conditions, names), conditions, "these scores")


def _with_training(found: str, conditions: Sequence[Part], what: str) -> str:
    """A finding with its budget before it, and behind it whether that was enough."""
    if not found:
        return ""
    budget = after(conditions)
    return " ".join(part for part in (f"{budget}," if budget else "", f"{found}.", enough(conditions, what)) if part)


def _spans(spans: Sequence[Part], names: Naming) -> str:
    """Longest first."""
    order = {"above": 0, None: 1, "below": 2}
    known = [span for span in spans if finite(span.get("span")) is not None]
    ranked = sorted(known, key=lambda span: (order[span.get("censored")], -span["span"]))
    reached = "; ".join(f"{names.model(span['model'])} {notation.span_with_interval(span)}" for span in ranked)
    return f"half of the repeats solve lengths up to: {reached}" if reached else ""


def _scores(conditions: Sequence[Part], names: Naming) -> str:
    """Best first."""
    metric = metric_of(list(conditions))
    known = [(item["model"], summary) for item in conditions if (summary := _summary(item, metric))]
    ranked = sorted(known, key=lambda pair: pair[1]["mean"], reverse=metric == "test_accuracy")
    clauses = [f"{names.model(model)} {_score(summary)}" for model, summary in ranked]
    return f"{metric.replace('_', ' ')}: {'; '.join(clauses)}" if clauses else ""


def _summary(condition: Part, metric: str) -> Part | None:
    """The metric's summary if any repeat gave a finite number."""
    summary: Part = (condition.get("metrics") or {}).get(metric) or {}
    return summary if finite(summary.get("mean")) is not None else None


def _score(summary: Part) -> str:
    return str(notation.with_interval(summary.get("mean"), summary.get("low"), summary.get("high")))
