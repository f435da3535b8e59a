"""Searches for real: small models, trained."""

from __future__ import annotations

from typing import Any

import pytest

import memspan
from memspan.experiment.table import Results

GRU: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "gru", "hidden_size": 1}],
    "training": {
        "batch_size": 16, "epochs": 3, "train_size": 400, "validation_size": 32, "test_size": 500,
        "optimizer": {"kind": "adam", "learning_rate": 0.03},
    },
    "repeats": 20,
    "seed": 3,
}  # fmt: skip
SEARCH = {**GRU, "lengths": {"search": {"low": 2, "high": 100}}, "probes": [{"kind": "change", "sequences": 20}]}


@pytest.fixture(scope="module")
def seen() -> list[tuple[float, float]]:
    return []


@pytest.fixture(scope="module")
def found(seen: list[tuple[float, float]]) -> Results:
    return memspan.run(SEARCH, progress=lambda done, total: seen.append((done, total)))


@pytest.fixture(scope="module")
def dense() -> Results:
    return memspan.run({**GRU, "lengths": {"log": {"low": 2, "high": 100, "count": 25}}})


def test_a_search_finds_the_span_of_a_dense_grid_with_a_third_of_its_runs(found: Results, dense: Results) -> None:
    (span,), (reference,) = found.spans, dense.spans
    assert reference["span"] / 1.1 <= span["span"] <= 1.1 * reference["span"]
    assert 3 * len(found.rows) <= len(dense.rows)


def test_runs_are_those_of_the_dense_grid_at_the_same_length(found: Results, dense: Results) -> None:
    known = {(row["length"], row["repeat"]): row for row in dense.runs}
    shared = [row for row in found.runs if (row["length"], row["repeat"]) in known]
    assert len(shared) >= 20
    assert all(row == known[row["length"], row["repeat"]] for row in shared)


def test_a_second_search_asks_for_the_same_runs(found: Results) -> None:
    again = memspan.run({**SEARCH, "probes": []})
    assert [(row.condition, row.repeat, row.round) for row in again.rows] == [
        (row.condition, row.repeat, row.round) for row in found.rows
    ]
    assert repr(again.spans) == repr(found.spans)


def test_repeats_of_a_length_are_counted_without_gaps(found: Results) -> None:
    by_length: dict[int, list[int]] = {}
    for row in found.runs:
        by_length.setdefault(row["length"], []).append(row["repeat"])
    assert all(sorted(repeats) == list(range(len(repeats))) for repeats in by_length.values())
    assert max(map(len, by_length.values())) <= 20


def test_probes_are_asked_of_every_length_with_all_its_repeats(found: Results) -> None:
    repeats = {each["length"]: each["runs"]["total"] for each in found.document["conditions"]}
    assert {each["length"]: each["n"] for each in found.document["probes"]} == repeats


def test_progress_grows_round_by_round_and_ends_complete(found: Results, seen: list[tuple[float, float]]) -> None:
    totals = list(dict.fromkeys(total for _, total in seen))
    assert totals == sorted(totals)
    assert len(totals) == found.searches[0]["rounds"]
    assert seen[-1] == (3.0 * len(found.rows),) * 2


def test_the_tables_say_what_the_search_took(found: Results) -> None:
    (row,) = found.searches
    assert row["runs"] == len(found.rows) <= row["most_runs"] == 120
    assert row["lengths"] == len(found.conditions)
    assert "most_runs" in repr(found)
    assert found.figure("success").to_dict()
