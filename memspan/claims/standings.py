"""Standings of an experiment in Markdown: how well each model does on each task and over all, with doubt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from memspan.statistics.notation import number, with_interval
from memspan.statistics.standing import Group, average, ranks, with_diverged

Document = Mapping[str, Any]
METRIC = "test_accuracy"
LEAST = 3
"""tasks, of which a mean says something"""
HEADS = ("mean over tasks", "rank")


def tells(results: Document) -> bool:
    """Whether an experiment asks several tasks that are scored by accuracy, each of all models at one length."""
    asked = results["conditions"]
    tasks, models = _distinct(each["task"] for each in asked), _distinct(each["model"] for each in asked)
    scored = all(each["metric"] == METRIC and METRIC in each["metrics"] for each in asked)
    return scored and len(tasks) >= LEAST and len(models) > 1 and len(asked) == len(tasks) * len(models)


def standings(results: Document) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: the best mean first; a model's rank is one more than the number of those certainly better."""
    from memspan.figures.label import label  # charts take a second to import; workers never draw

    asked = results["conditions"]
    tasks, models = _distinct(each["task"] for each in asked), _distinct(each["model"] for each in asked)
    found = [[_group(results, task, model) for task in tasks] for model in models]
    rows = [
        [label(model, models), *(_cell([group]) for group in groups), _cell(groups), number(rank)]
        for model, groups, rank in zip(models, found, ranks(found), strict=True)
    ]
    best_first = sorted(range(len(models)), key=lambda place: -average(found[place]).value)
    return ["model", *(label(task, tasks) for task in tasks), *HEADS], [rows[place] for place in best_first]


def _cell(groups: Sequence[Group]) -> str:
    found = average(groups)
    return str(with_interval(found.value, *(max(0.0, min(1.0, end)) for end in found.interval)))


def _group(results: Document, task: Document, model: Document) -> Group:
    """The runs of a condition; one that diverged counts as a guess."""
    (entry,) = [each for each in results["conditions"] if each["task"] == task and each["model"] == model]
    metric = entry["metrics"][METRIC]
    own = Group(metric["mean"], metric["std"], metric["n"]) if metric["n"] else Group(0.0, 0.0, 0)
    return with_diverged(own, entry["runs"]["succeeded"] - own.n, _chance(results, task))


def _chance(results: Document, task: Document) -> float:
    """The accuracy of guessing."""
    own = (each for each in results["baselines"] if each["task"] == task and each["metric"] == METRIC)
    return next((float(each["value"]) for each in own if each["name"] == "chance"), 0.0)


def _distinct(parts: Iterable[Document]) -> list[Document]:
    found: list[Document] = []
    for part in parts:
        if part not in found:
            found.append(part)
    return found
