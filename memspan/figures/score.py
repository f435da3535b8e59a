"""Score by length: what each model reaches, with its interval over repeats and the baselines."""

from __future__ import annotations

import altair as alt

from memspan.figures.document import Part, Results, Row, entries, finite, metric_of, of_task
from memspan.figures.naming import Naming, naming
from memspan.figures.panel import Figure, Panel, compose, interval_layers, length_axis, stack, tips, value_axis
from memspan.figures.range import accuracy_scale, loss_axis, loss_scale
from memspan.figures.ranking import ranking
from memspan.figures.reference import reference_layers
from memspan.figures.training_words import after

TITLES = {"test_accuracy": "Test accuracy", "test_loss": "Test loss"}
NOTHING = "No run has finished: there is no score to draw."


def score(results: Results) -> Figure:
    """Test accuracy by length for classification, test loss on a logarithmic axis for regression."""
    names = naming(results)
    panels = [panel for task in names.tasks if (panel := _panel(results, names, task)) is not None]
    by_length = any(condition.get("length") is not None for condition in entries(results, "conditions"))
    title = "Score by sequence length" if by_length else "Score"
    return compose(panels, title, "Mean and 95 % interval over repeats", NOTHING, after(entries(results, "conditions")))


def _panel(results: Results, names: Naming, task: Part) -> Panel | None:
    conditions = of_task(results, "conditions", task)
    metric = metric_of(conditions)
    rows = [row for condition in conditions if (row := _row(condition, metric, names)) is not None]
    if not rows:
        return None
    lines = _baselines(results, task, metric)
    if any(row["length"] is None for row in rows):
        return ranking(names.task(task), rows, names.labels, TITLES[metric], _scale(metric, _seen(rows, lines)), lines)
    # While runs are missing, too, the axis has all lengths: baselines have a value at each.
    lengths = [condition["length"] for condition in conditions if condition.get("length") is not None]
    return Panel(names.task(task), _by_length(rows, names.labels, metric, lines, lengths))


def _row(condition: Part, metric: str, names: Naming) -> Row | None:
    """A point of the chart; None where no repeat gave a finite number."""
    summary = (condition.get("metrics") or {}).get(metric) or {}
    mean, low, high = (finite(summary.get(name)) for name in ("mean", "low", "high"))
    if mean is None or (metric == "test_loss" and mean <= 0):
        return None
    if metric == "test_loss" and (low is None or low <= 0):
        low = high = None  # a logarithmic axis has no place for it
    facts = {"model": names.model(condition["model"]), "length": condition.get("length"), "n": summary.get("n")}
    diverged = (condition.get("runs") or {}).get("diverged", 0)
    return {**facts, "mean": mean, "low": low, "high": high, "diverged": diverged}


def _seen(rows: list[Row], lines: list[Row]) -> list[float]:
    """Everything that the range must hold."""
    drawn = [row[name] for row in rows for name in ("mean", "low", "high") if row[name] is not None]
    return drawn + [line["value"] for line in lines]


def _scale(metric: str, seen: list[float]) -> alt.Scale:
    return loss_scale(seen) if metric == "test_loss" else accuracy_scale(seen)


def _baselines(results: Results, task: Part, metric: str) -> list[Row]:
    """Reference values of the task; one that is not positive has no place on the logarithmic axis of a loss."""
    lines = []
    for baseline in entries(results, "baselines"):
        value = finite(baseline["value"])
        drawn = value is not None and (metric != "test_loss" or value > 0)
        if baseline["task"] == task and baseline["metric"] == metric and drawn:
            name = str(baseline["name"]).replace("_", " ")
            lines.append({"value": value, "length": baseline.get("length"), "name": name})
    return lines


def _by_length(
    rows: list[Row], labels: list[str], metric: str, lines: list[Row], lengths: list[float]
) -> alt.LayerChart:
    seen = _seen(rows, lines)
    x, scale = length_axis(lengths), _scale(metric, seen)
    y = value_axis("mean", TITLES[metric], scale, **(loss_axis(seen) if metric == "test_loss" else {}))
    points = interval_layers(rows, x, y, labels, [*tips(".4~g"), alt.Tooltip("diverged:Q")])
    # Curves of accuracy lie above their baselines, curves of loss below: the names go to the other side.
    return stack(*reference_layers(lines, scale, x, below=metric == "test_accuracy"), *points)
