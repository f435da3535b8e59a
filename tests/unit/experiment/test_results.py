"""Results of runs in mixed states."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from memspan.experiment import digest, kept_spans
from memspan.experiment.results import FEW, TRIED, document
from memspan.experiment.run import parse
from memspan.experiment.run_row import RunRow
from memspan.interfaces.json_numbers import jsonable
from memspan.statistics import bootstrap, crossing

MODELS = [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}]
SPEC = parse({"tasks": [{"kind": "latch"}], "models": MODELS, "lengths": [2, 5, 10],
              "repeats": 4, "training": {"epochs": 5}})  # fmt: skip
NAN = math.nan


def done(condition: int, repeat: int, accuracy: float, **fields: Any) -> RunRow:
    return RunRow(condition, repeat, "succeeded", {"test_accuracy": accuracy}, **fields)


ROWS = [
    done(0, 0, 1.0, seconds=2.0, engine="torch"), done(0, 1, 0.99, seconds=4.0, engine="torch"), done(0, 2, 0.5),
    RunRow(0, 3, "failed"),
    done(1, 0, 1.0), done(1, 1, NAN, diverged_at=2), RunRow(1, 2, "queued"), RunRow(1, 3, "cancelled"),
    RunRow(2, 0, "running"), RunRow(2, 1, "queued"), RunRow(2, 2, "queued"), RunRow(2, 3, "queued"),
    done(3, 0, NAN, diverged_at=1), done(3, 1, math.inf, diverged_at=1),
]  # fmt: skip


def entry(index: int, rows: list[RunRow] = ROWS) -> dict[str, Any]:
    found: dict[str, Any] = document(SPEC, rows)["conditions"][index]
    return found


def test_there_is_an_entry_for_every_condition_in_the_order_of_the_grid() -> None:
    places = [(each["model"]["kind"], each["length"]) for each in document(SPEC, [])["conditions"]]
    assert places == [(model, length) for model in ("rnn", "lstm") for length in (2, 5, 10)]


def test_runs_are_counted_by_what_became_of_them() -> None:
    assert entry(0)["runs"] == {"total": 4, "succeeded": 3, "failed": 1, "diverged": 0}
    assert entry(1)["runs"] == {"total": 4, "succeeded": 2, "failed": 0, "diverged": 1}
    assert entry(2)["runs"] == {"total": 4, "succeeded": 0, "failed": 0, "diverged": 0}


def test_a_summary_is_over_finished_runs_with_finite_values() -> None:
    score = entry(0)["metrics"]["test_accuracy"]
    assert score["n"] == 3
    assert score["mean"] == pytest.approx(2.49 / 3)
    assert score["median"] == 0.99
    assert score["low"] <= score["mean"] <= score["high"]
    assert entry(1)["metrics"]["test_accuracy"]["n"] == 1
    assert entry(3)["metrics"]["test_accuracy"]["n"] == 0
    assert math.isnan(entry(3)["metrics"]["test_accuracy"]["mean"])
    assert entry(2)["metrics"] == {}


def test_success_is_a_rate_of_finished_runs_and_a_diverged_one_never_succeeded() -> None:
    assert entry(0)["success"]["rate"] == pytest.approx(2 / 3)
    assert entry(0)["success"]["n"] == 3
    assert entry(1)["success"]["rate"] == 0.5
    assert entry(2)["success"] == {"rate": None, "low": None, "high": None, "n": 0}
    assert entry(3)["success"]["rate"] == 0
    assert entry(3)["success"]["n"] == 2
    lucky = [done(0, 0, 1.0, diverged_at=3)]
    assert entry(0, lucky)["success"]["rate"] == 0


def test_sizes_speed_and_engine_are_told() -> None:
    first = entry(0)
    assert (first["parameters"], first["state_size"], first["receptive_field"]) == (7, 1, None)
    assert first["seconds_per_epoch"] == pytest.approx(3.0 / 5)
    assert first["engine"] == "torch"
    assert entry(2)["seconds_per_epoch"] is None
    assert entry(2)["engine"] is None


def test_a_span_is_fitted_where_anything_is_finished() -> None:
    spans = {each["model"]["kind"]: each for each in document(SPEC, ROWS)["spans"]}
    assert spans.keys() == {"rnn", "lstm"}
    assert spans["lstm"]["censored"] == "below"
    assert spans["lstm"]["longest_solved"] is None
    all_solved = [done(index, repeat, 1.0) for index in range(3) for repeat in range(4)]
    (rnn,) = document(SPEC, all_solved)["spans"]
    assert rnn["censored"] == "above"
    assert rnn["span"] == rnn["longest_solved"] == 10
    assert document(SPEC, [])["spans"] == []


def test_a_baseline_that_does_not_change_with_the_length_is_given_once() -> None:
    baselines = document(SPEC, [])["baselines"]
    assert [(each["value"], "length" in each) for each in baselines if each["name"] == "chance"] == [(0.5, False)]
    assert [each["length"] for each in baselines if each["name"] == "linear_integrator"] == [2, 5, 10]


def test_a_document_of_any_states_is_json() -> None:
    text = json.dumps(jsonable(document(SPEC, ROWS, [{"kind": "change"}])), allow_nan=False)
    assert json.loads(text)["conditions"][3]["metrics"]["test_accuracy"]["mean"] == "NaN"
    json.dumps(jsonable(document(SPEC, [])), allow_nan=False)


def test_the_order_of_the_rows_does_not_matter_to_counts_and_rates() -> None:
    for index in range(6):
        assert entry(index)["runs"] == entry(index, ROWS[::-1])["runs"]
        assert entry(index)["success"] == entry(index, ROWS[::-1])["success"]


def test_a_regression_is_solved_by_a_share_of_its_variance() -> None:
    spec = parse({"tasks": [{"kind": "first_last"}], "models": [{"kind": "rnn", "hidden_size": 1}], "lengths": [4]})
    rows = [
        RunRow(0, repeat, "succeeded", {"test_loss": loss}) for repeat, loss in enumerate((0.019, 0.02, 0.021, NAN))
    ]
    assert document(spec, rows)["conditions"][0]["success"]["rate"] == 0.5


def test_a_condition_names_its_metric_before_anything_is_measured() -> None:
    spec = parse(
        {
            "tasks": [{"kind": "latch"}, {"kind": "first_last"}],
            "models": [{"kind": "rnn", "hidden_size": 1}],
            "lengths": [4],
        }
    )
    assert [each["metric"] for each in document(spec, [])["conditions"]] == ["test_accuracy", "test_loss"]


def test_what_is_worked_out_together_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many conditions wait to be summarized: one, some, or all of them."""
    values = random.Random(5)  # noqa: S311 - numbers of a test
    rows = [
        RunRow(condition, repeat, "succeeded", {"test_accuracy": values.random(), "test_loss": values.expovariate(1)})
        for condition in range(6)
        for repeat in range(4 if condition % 2 else 3)
    ]
    whole = json.dumps(jsonable(document(SPEC, rows)))
    for most in (1, 10):
        monkeypatch.setattr(digest, "VALUES_AT_ONCE", most)
        assert json.dumps(jsonable(document(SPEC, rows))) == whole


def tried(lengths: list[int]) -> list[int]:
    """At which lengths random weights are tried out."""
    noisy = parse(
        {"tasks": [{"kind": "latch", "noise": 1.0}], "models": [{"kind": "rnn", "hidden_size": 1}], "lengths": lengths}
    )
    baselines = document(noisy, [])["baselines"]
    return [each["length"] for each in baselines if each["name"] == "random_guessing"]


def test_baselines_that_take_work_are_tried_at_some_of_many_lengths_evenly_spread_with_both_ends() -> None:
    few, many = [*range(2, 2 + FEW)], [*range(2, 2 + 3 * FEW)]
    assert tried(few) == few
    assert len(tried(many)) == TRIED
    assert (tried(many)[0], tried(many)[-1]) == (many[0], many[-1])
    assert {b - a for a, b in zip(tried(many), tried(many)[1:], strict=False)} <= {8, 9}


@pytest.mark.parametrize("repeats", [1, 3, 5, 8])
def test_what_makes_large_results_fast_changes_no_bit_of_them(repeats: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random tables, with runs that failed and diverged: with all shortcuts, and with none."""
    spec = parse({**SPEC.model_dump(mode="json"), "lengths": [*range(2, 42)], "repeats": repeats})
    draw = random.Random(repeats)  # noqa: S311 - numbers of a test
    rows = [
        RunRow(condition, repeat, "failed")
        if draw.random() < 0.1
        else done(condition, repeat, NAN, diverged_at=1)
        if draw.random() < 0.1
        else done(condition, repeat, 1.0 if draw.random() < 1 - condition % 40 / 40 else draw.random())
        for condition in range(80)
        for repeat in range(repeats)
    ]
    fast = json.dumps(jsonable(document(spec, rows)))
    monkeypatch.setattr(bootstrap, "FEW", 0)
    monkeypatch.setattr(crossing, "FEW", 10_000)
    monkeypatch.setattr("memspan.statistics.falling.loop", lambda: None)
    monkeypatch.setattr(kept_spans, "_kept", kept_spans.memory_span)
    assert json.dumps(jsonable(document(spec, rows))) == fast
