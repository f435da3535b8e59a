"""Findings of known content: an experiment's rows made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memspan.claims.evidence import Evidence, ExperimentEvidence
from memspan.experiment.run_row import RunRow
from memspan.experiment.spec import ExperimentSpec
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN

ONE = RNN(hidden_size=1)
OTHER = LSTM(hidden_size=1)
SPEC = ExperimentSpec.model_validate(
    {
        "tasks": [{"kind": "latch"}],
        "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}],
        "lengths": [2, 5],
        "training": {"epochs": 2},
        "repeats": 3,
    }
)


def row(condition: int, repeat: int, accuracy: float, **fields: Any) -> RunRow:
    """A run; conditions are (rnn, 2), (rnn, 5), (lstm, 2), (lstm, 5)."""
    values: dict[str, Any] = {"state": "succeeded", "seconds": 4.0, **fields}
    return RunRow(condition, repeat, metrics={"test_accuracy": accuracy}, **values)


def rows(*accuracies: Sequence[float]) -> list[RunRow]:
    """All runs, from the accuracies of each condition; later repeats first, as a database may answer."""
    found = [row(condition, r, value) for condition, each in enumerate(accuracies) for r, value in enumerate(each)]
    return found[::-1]


def experiment(runs: Sequence[RunRow], **fields: Any) -> ExperimentEvidence:
    return ExperimentEvidence("corrected", SPEC, runs, **fields)


def evidence(**experiments: ExperimentEvidence) -> Evidence:
    return Evidence("quick", experiments)


def histories(lines: Mapping[int, Mapping[int, Sequence[float]]]) -> Any:
    """Validation losses of conditions by repeat."""
    return lambda place: {repeat: {"validation_loss": line} for repeat, line in lines.get(place, {}).items()}
