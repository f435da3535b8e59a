"""Rows of the tables under the charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memspan.figures.curve_scores import curve_scores
from memspan.figures.document import entries, metric_of, of_task
from memspan.figures.label import probe_label
from memspan.figures.naming import Naming
from memspan.figures.number_axis import NumberAxis, in_order
from memspan.figures.tuning_words import chosen_loss, chosen_words, window_words
from memspan.statistics.notation import span_with_interval

Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of one task, by length and then as the models were given."""

    task: str
    metric: str
    rows: list[dict[str, Any]]


def conditions(results: Part, names: Naming) -> list[Conditions]:
    """A table for each task."""
    return [_conditions(results, names, task) for task in names.tasks if of_task(results, "conditions", task)]


def _conditions(results: Part, names: Naming, task: Part) -> Conditions:
    every = sorted(of_task(results, "conditions", task), key=lambda item: item.get("length") or 0)
    metric = metric_of(every)
    rows = [
        {**item, "label": names.model(item["model"]), "score": (item.get("metrics") or {}).get(metric) or {}}
        for item in every
    ]
    return Conditions(names.task(task), metric.replace("_", " "), rows)


def spans(results: Part, names: Naming, axis: NumberAxis | None) -> list[dict[str, Any]]:
    """Memory spans, one row a task and model; along the axis of the figure, where it has one."""
    found = entries(results, "spans")
    return [
        {
            **entry,
            "task": names.task(entry["task"]),
            "label": axis.place_of(found, entry).line if axis else names.model(entry["model"]),
            "number": axis.words(entry) if axis else None,
            "written": span_with_interval(entry),
        }
        for entry in (in_order(found, axis) if axis else found)
    ]


def by_lag(results: Part, names: Naming) -> list[dict[str, Any]]:
    """Accuracy by lag, one row for each condition and bin of lags."""
    return [
        {
            "task": names.task(item["task"]),
            "label": names.model(item["model"]),
            "length": item.get("length"),
            "lags": str(first) if first == last else f"{first} to {last}",
            **{key: found[key] and found[key][place] for key in ("accuracy", "low", "high", "bound", "asked")},
            "n": found["n"],
        }
        for item in sorted(entries(results, "conditions"), key=lambda item: item.get("length") or 0)
        if (found := item.get("by_lag"))
        for place, (first, last) in enumerate(zip(found["first"], found["last"], strict=True))
    ]


def searches(results: Part, names: Naming) -> list[dict[str, Any]]:
    """How far the search for each span is, one row a task and model."""
    return [
        {**search, "task": names.task(search["task"]), "label": names.model(search["model"])}
        for search in entries(results, "searches")
    ]


def tuning(results: Part, names: Naming) -> list[dict[str, Any]]:
    """What was chosen, one row for each choice."""
    return [
        {
            **entry,
            "task": names.task(entry["task"]),
            "label": names.model(entry["model"]),
            "setting": chosen_words(entry),
            "loss": chosen_loss(entry),
            "window": window_words(entry),
            "tried": len(entry["scores"]),
        }
        for entry in entries(results, "tuning")
    ]


def baselines(results: Part, names: Naming) -> list[dict[str, Any]]:
    """Reference values, one row each."""
    return [
        {
            "task": names.task(item["task"]),
            "name": str(item["name"]).replace("_", " "),
            "metric": str(item["metric"]).replace("_", " "),
            "length": item.get("length"),
            "value": item["value"],
        }
        for item in entries(results, "baselines")
    ]


def probes(results: Part, names: Naming) -> list[dict[str, Any]]:
    """One row a probe and scalar; a probe that is no set of scalars, or is not measured yet, has one row of its own,
    followed by one for each score of a curve."""
    every = entries(results, "probes")
    return [
        {**item, "label": names.model(item["model"]), "task": names.task(item["task"]), **row}
        for item in sorted(every, key=lambda item: item.get("length") or 0)
        for row in _scalars(item, probe_label(item, every))
    ]


def _scalars(item: Part, name: str) -> list[dict[str, Any]]:
    result = item.get("result") or {}
    if result.get("kind") != "scalars":
        return [{"probe": name, "scalar": None, "form": result.get("kind")}, *_of_curve(result, name)]
    ideal, low, high, units = (result.get(key) or {} for key in ("baseline", "low", "high", "units"))
    return [
        {
            "probe": name,
            "scalar": scalar.replace("_", " "),
            "value": value,
            "low": low.get(scalar),
            "high": high.get(scalar),
            "unit": units.get(scalar),
            "ideal": ideal.get(scalar) if isinstance(ideal, Mapping) else ideal or None,
        }
        for scalar, value in result["values"].items()
    ]


def _of_curve(result: Part, name: str) -> list[dict[str, Any]]:
    """What a curve as a whole comes to; nothing for other forms."""
    return [
        {"probe": name, "scalar": each.words, "value": each.value, "low": each.low, "high": each.high, "ideal": None}
        for each in curve_scores(result)
    ]
