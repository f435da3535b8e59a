"""Names of an experiment's models and tasks, the same in all its figures."""

from __future__ import annotations

import json
from dataclasses import dataclass

from memspan.figures.document import Part, Results, entries
from memspan.figures.label import label

LISTS = ("conditions", "spans", "learning", "probes", "tuning")


@dataclass(frozen=True, slots=True)
class Naming:
    """The experiment's tasks and models in order of appearance.

    ``labels`` names all models: the domain of every colour scale, so that a model keeps its colour in all figures.
    """

    tasks: list[Part]
    models: list[Part]
    labels: list[str]

    def model(self, model: Part) -> str:
        """The short name of a model."""
        return label(model, self.models)

    def task(self, task: Part) -> str:
        """The short name of a task."""
        return label(task, self.tasks)


def naming(results: Results) -> Naming:
    """Collect every task and model that the document mentions."""
    models = _distinct(results, "model")
    return Naming(_distinct(results, "task"), models, list(dict.fromkeys(label(model, models) for model in models)))


def _distinct(results: Results, part: str) -> list[Part]:
    found: dict[str, Part] = {}
    for name in LISTS:
        for entry in entries(results, name):
            if entry.get(part):
                found.setdefault(json.dumps(entry[part], sort_keys=True), entry[part])
    return list(found.values())
