"""Budgets: what runs were given to learn by, and the memory span that each smaller one would have left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from memspan.experiment.course import budget_epochs
from memspan.experiment.digest import Digest
from memspan.experiment.kept_spans import kept_span
from memspan.experiment.spec import ExperimentSpec
from memspan.training import Training

FEWER_RESAMPLES = 500
"""of a span at a smaller budget; the ends of its band then differ by .1 standard errors from draw to draw"""


def budget(training: Training, trained: Sequence[Training] = ()) -> dict[str, Any]:
    """What each run is given.

    Attributes of the answer:
        learning_rate: None where it is tuned, and more than one was chosen.
        tuned: what was tried and chosen; None where nothing is tuned.
        until: converged, where each run ends by itself; the numbers are then the most that it is given.
        steps: of the optimiser. sequences: that it sees, the same one in each epoch anew unless data are ``fresh``.

    Args:
        training: as it was asked for.
        trained: by what runs were trained: of a training whose numbers are tuned, with those that were chosen.
    """
    rates = {each.optimizer.step_size for each in trained or ([] if training.tuned else [training])}
    return {
        "optimizer": training.optimizer.kind,
        "learning_rate": rates.pop() if len(rates) == 1 else None,
        "tuned": _tuned(training, trained),
        "batch_size": training.batch_size,
        "data": training.data,
        "until": "converged" if training.until_converged else None,
        "epochs": training.most_epochs,
        "steps": training.most_epochs * training.steps_per_epoch,
        "sequences": training.most_epochs * training.train_size,
    }


def _tuned(training: Training, trained: Sequence[Training]) -> dict[str, Any] | None:
    """What was tried of each number, and what was chosen, each ascending and once."""
    if training.tuning is None:
        return None
    return {
        "repeats": training.tuning.repeats,
        "length": training.tuning.length,
        "numbers": [
            {"name": name, "candidates": list(values), "chosen": _chosen(name, values, trained)}
            for name, values in training.tuned.items()
        ],
    }


def _chosen(name: str, candidates: Sequence[float], trained: Sequence[Training]) -> list[float]:
    """The candidates by which something was trained."""
    there = {each.numbers[name] for each in trained}
    return [value for value in candidates if value in there]


def spans_by_budget(spec: ExperimentSpec, lengths: Sequence[tuple[int, Digest]]) -> list[dict[str, Any]]:
    """The memory span of one model on one task after each of some epochs, had training ended there.

    Args:
        lengths: with what became of the runs of each.
    """
    told = [(length, digest) for length, digest in lengths if digest.met]
    at, totals = [length for length, _ in told], [digest.succeeded for _, digest in told]
    found = []
    for place, epoch in enumerate(budget_epochs(spec.training.most_epochs)):
        span = kept_span(at, [digest.met[place] for _, digest in told], totals, FEWER_RESAMPLES)
        if span is not None:
            values = {name: value for name, value in asdict(span).items() if name != "longest_solved"}
            open_ends = {"low": None, "high": None} if max(totals) == 1 else {}
            steps = epoch * spec.training.steps_per_epoch
            found.append({"epochs": epoch, "steps": steps, **values, **open_ends})
    return found
