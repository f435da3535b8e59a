"""The headline of results: the experiment's answer in one or two plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from memspan.figures.document import finite, metric_of, of_task
from memspan.figures.naming import Naming, naming
from memspan.figures.training_words import after, enough
from memspan.statistics import notation

Part = Mapping[str, Any]
UNFINISHED = {"queued", "running", "paused"}
FORECAST = "series"
"""the task whose targets hold noise that nobody can foretell: no run ever solves it, so its spans say nothing"""
IMPORTED = "imported"
"""the engine of a model that was brought in"""
ELSEWHERE = "Trained elsewhere; probes tell what the model uses."
LOST = (
    "their loss stopped being a number, so nothing is known of what they remember. Try a smaller learning rate, or let "
    "clip_norm bound the gradient."
)
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
    lost = [model for model in names.models if _all_diverged(item for item in conditions if item["model"] == model)]
    if _all_diverged(conditions):
        return _diverged(conditions)
    left = [item for item in conditions if item["model"] not in lost]
    if conditions and all(each.get("engine") == IMPORTED for each in conditions):
        scores = _scores(conditions, names)
        return f"{scores}. {ELSEWHERE}" if scores else ""
    if task.get("kind") == FORECAST:
        found = _forecasts(left, of_task(results, "baselines", task), names)
        return _with_training(_but_for(found, lost, names), left, "these scores")
    if spans:
        found = _spans([span for span in spans if span["model"] not in lost], names)
        return _with_training(_but_for(found, lost, names), left, "these spans")
    return _with_training(_but_for(_scores(conditions, names), lost, names), left, "these scores")


def _all_diverged(conditions: Iterable[Part]) -> bool:
    """Whether runs have ended, and every one of them without a finite loss."""
    runs = [condition.get("runs") or {} for condition in conditions]
    ended = int(sum(each.get("succeeded", 0) for each in runs))
    return 0 < ended == int(sum(each.get("diverged", 0) for each in runs))


def _diverged(conditions: Sequence[Part]) -> str:
    """That nothing was learned, and what may help."""
    count, budget = sum(each["runs"]["diverged"] for each in conditions), after(conditions)
    runs = f"all {notation.number(count)} runs that ended" if count > 1 else "the one run that ended"
    return f"{runs} diverged{f' {budget}' if budget else ''}: {LOST}"


def _but_for(found: str, lost: Sequence[Part], names: Naming) -> str:
    """A finding, and of which models there is none."""
    told = [f"every run of {names.model(model)} diverged" for model in lost]
    return "; ".join([found, *told]) if found else ""


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


def _forecasts(conditions: Sequence[Part], baselines: Sequence[Part], names: Naming) -> str:
    """Each model with the context by which it errs least, best first; behind them the best that needs no training."""
    metric = metric_of(list(conditions))
    least: list[tuple[Part, Part, Any]] = []
    for model in names.models:
        known = [(s, item["length"]) for item in conditions if item["model"] == model and (s := _summary(item, metric))]
        if known:
            least.append((model, *min(known, key=lambda pair: pair[0]["mean"])))
    ranked = sorted(least, key=lambda found: found[1]["mean"])
    clauses = [f"{names.model(model)} {_score(summary)} {_from(length)}" for model, summary, length in ranked]
    told = [each for each in baselines if each["metric"] == metric and finite(each["value"]) is not None]
    if clauses and told:
        best = min(told, key=lambda each: each["value"])
        value = f"{notation.number(best['value'])} {_from(best.get('length'))}".rstrip()
        clauses.append(f"without training {best['name'].replace('_', ' ')} {value}")
    return f"least {metric.replace('_', ' ')} by context: {'; '.join(clauses)}" if clauses else ""


def _from(length: Any) -> str:
    return "" if length is None else f"from {length} step{'' if length == 1 else 's'}"


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
