"""Tuned settings over HTTP: bad input, the plan, the protocol's course, results, exports, figure, page and table."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from rich.console import Console

import memspan
from service.client.tables import tables
from tests.contract.problems import field_errors, message
from tests.contract.stage import SMALL, Stage

RATES = [0.001, 0.01, 0.1]
ADAM: dict[str, Any] = {"kind": "adam", "learning_rate": {"tune": RATES}}
SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 2}, {"kind": "gru", "hidden_size": 2}],
    "lengths": [2, 5],
    "training": {**SMALL, "optimizer": ADAM, "tuning": {"repeats": 2}},
    "repeats": 3,
    "seed": 11,
    "probes": [{"kind": "change", "index": 0, "sequences": 10}],
}
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def tuned(stage: Stage) -> dict[str, Any]:
    experiment = stage.finish(SPEC)
    assert experiment["state"] == "succeeded", experiment
    return experiment


@pytest.fixture(scope="module")
def results(stage: Stage, tuned: dict[str, Any]) -> dict[str, Any]:
    return dict(stage.client.get(tuned["links"]["results"], headers=JSON).json())


def test_the_plan_counts_the_runs_that_choose(stage: Stage) -> None:
    before = stage.rows()
    plan = stage.client.post("/experiments?dry_run=true", json=SPEC).json()
    assert (plan["conditions"], plan["runs"], plan["tuning_runs"]) == (4, 4 * (3 * 2 + 3), 24)
    assert plan["spec"]["training"]["tuning"] == {"repeats": 2, "length": None}
    assert {each["code"] for each in plan["warnings"]} >= {"few_repeats"}
    assert stage.rows() == before


RATE = "#/training/optimizer/learning_rate/tune"
WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no rates": ({"optimizer": {**ADAM, "learning_rate": {"tune": []}}}, {RATE: "too_short"}),
    "one twice": ({"optimizer": {**ADAM, "learning_rate": {"tune": [0.1, 0.01, 0.1]}}}, {RATE: "duplicate"}),
    "a negative one": ({"optimizer": {**ADAM, "learning_rate": {"tune": [0.1, -0.1]}}}, {f"{RATE}/1": "too_small"}),
    "a word": ({"optimizer": {**ADAM, "learning_rate": {"tune": [0.1, "x"]}}}, {f"{RATE}/1": "wrong_type"}),
    "a rate that is too large": (
        {"optimizer": {**ADAM, "learning_rate": {"tune": [1000]}}},
        {f"{RATE}/0": "too_large"},
    ),
    "too many": ({"optimizer": {**ADAM, "learning_rate": {"tune": [*range(1, 34)]}}}, {RATE: "too_long"}),
    "a number": ({"optimizer": {**ADAM, "learning_rate": {"tune": 0.1}}}, {RATE: "wrong_type"}),
    "another word for it": (
        {"optimizer": {**ADAM, "learning_rate": {"search": [0.1]}}},
        {
            "#/training/optimizer/learning_rate/tune": "missing",
            "#/training/optimizer/learning_rate/search": "unknown_field",
        },
    ),
    "a range upside down": (
        {"optimizer": {**ADAM, "learning_rate": {"tune": {"low": 0.1, "high": 0.01, "count": 3}}}},
        {RATE: "out_of_order"},
    ),
    "a range of one": (
        {"optimizer": {**ADAM, "learning_rate": {"tune": {"low": 0.01, "high": 0.1, "count": 1}}}},
        {f"{RATE}/count": "too_small"},
    ),
    "a range of nothing": (
        {"optimizer": {**ADAM, "learning_rate": {"tune": {"low": 0, "high": 0.1, "count": 3}}}},
        {f"{RATE}/low": "too_small"},
    ),
    "a range too narrow": (
        {"optimizer": {**ADAM, "learning_rate": {"tune": {"low": 0.1, "high": 0.10001, "count": 9}}}},
        {RATE: "duplicate"},
    ),
    "a clip of 0": ({"clip_norm": {"tune": [0, 1]}}, {"#/training/clip_norm/tune/0": "too_small"}),
    "a decay above 1": ({"weight_decay": {"tune": [0, 2]}}, {"#/training/weight_decay/tune/1": "too_large"}),
    "too large a grid": (
        {"clip_norm": {"tune": [*range(1, 24)]}},
        {"#/training/clip_norm/tune": "grid_too_large"},
    ),
    "nothing to tune": ({"optimizer": {"kind": "adam"}}, {"#/training/tuning": "nothing_to_tune"}),
    "no repeats": ({"tuning": {"repeats": 0}}, {"#/training/tuning/repeats": "out_of_range"}),
    "too many repeats": ({"tuning": {"repeats": 1001}}, {"#/training/tuning/repeats": "out_of_range"}),
    "half a repeat": ({"tuning": {"repeats": 2.5}}, {"#/training/tuning/repeats": "wrong_type"}),
    "a length of 0": ({"tuning": {"length": 0}}, {"#/training/tuning/length": "out_of_range"}),
    "a field too many": ({"tuning": {"seeds": 3}}, {"#/training/tuning/seeds": "unknown_field"}),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_tuning_is_told_in_its_place(stage: Stage, case: str) -> None:
    changes, expected = WRONG[case]
    answer = stage.client.post("/experiments", json={**SPEC, "training": {**SPEC["training"], **changes}})
    assert field_errors(answer) == expected
    assert all(message(answer, place).endswith(".") for place in expected)


def test_a_search_without_a_length_to_choose_at_is_refused(stage: Stage) -> None:
    answer = stage.client.post("/experiments", json={**SPEC, "lengths": {"search": {"low": 2, "high": 40}}})
    assert field_errors(answer) == {"#/training/tuning/length": "needs_length"}
    assert "such as 2" in message(answer, "#/training/tuning/length")


def test_candidates_in_any_order_are_the_same_spec(stage: Stage) -> None:
    other = {**SPEC["training"], "optimizer": {**ADAM, "learning_rate": {"tune": RATES[::-1]}}}
    plans = [
        stage.client.post("/experiments?dry_run=true", json={**SPEC, "training": training}).json()
        for training in (SPEC["training"], other)
    ]
    assert plans[0]["spec"] == plans[1]["spec"]


def test_runs_are_marked_by_what_they_are_for(stage: Stage, tuned: dict[str, Any]) -> None:
    listed = stage.client.get(tuned["links"]["runs"], params={"limit": 500}).json()["items"]
    tuning = [each for each in listed if each["purpose"] == "tuning"]
    assert (len(tuning), len(listed)) == (24, 36)
    assert {each["setting"]["learning_rate"] for each in tuning} == set(RATES)
    one = stage.client.get(f"/runs/{tuning[0]['id']}").json()
    assert one["purpose"] == "tuning"
    assert "validation_loss" in one["metrics"]
    assert "test_loss" not in one["metrics"]
    assert not {each["seed"] for each in tuning} & {each["seed"] for each in listed if each not in tuning}


def test_the_service_finds_the_bits_of_the_notebook(results: dict[str, Any]) -> None:
    there = memspan.run(SPEC).document
    assert [bare(each) for each in results["conditions"]] == [bare(each) for each in there["conditions"]]
    assert results["tuning"] == there["tuning"]
    assert results["spans"] == there["spans"]
    assert results["comparisons"] == there["comparisons"]


def bare(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "seconds_per_epoch": None}


def test_results_tell_what_was_tried_and_chosen(results: dict[str, Any]) -> None:
    assert [(each["model"]["kind"], each["length"]) for each in results["tuning"]] == [
        ("rnn", 2), ("rnn", 5), ("gru", 2), ("gru", 5),
    ]  # fmt: skip
    for choice in results["tuning"]:
        medians = [score["median"] for score in choice["scores"]]
        assert choice["chosen"] == RATES[medians.index(min(medians))]
        assert choice["window"].keys() >= {"low", "high", "decades"}
        assert choice["at_edge"] is (choice["chosen"] != RATES[1])
    for entry in results["conditions"]:
        (numbers,) = entry["budget"]["tuned"]["numbers"]
        assert numbers == {"name": "learning_rate", "candidates": RATES, "chosen": [entry["budget"]["learning_rate"]]}
        assert entry["runs"]["total"] == 3


def test_only_reported_models_are_probed(results: dict[str, Any]) -> None:
    assert [(each["model"], each["length"]) for each in results["probes"]] == [
        (each["model"], each["length"]) for each in results["conditions"]
    ]


def test_an_export_says_what_each_run_was_for_and_by_which_setting(stage: Stage, tuned: dict[str, Any]) -> None:
    text = stage.client.get(tuned["links"]["results"], params={"format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["purpose"] for row in rows].count("tuning") == 24
    assert all(row["convergence"] == "" and row["test_loss"] == "" for row in rows if row["purpose"] == "tuning")
    assert {float(row["learning_rate"]) for row in rows} == set(RATES)
    lines = stage.client.get(tuned["links"]["results"], params={"format": "jsonl"}).text.splitlines()
    assert len(lines) == 36


def test_events_tell_which_setting_was_chosen(stage: Stage, tuned: dict[str, Any], results: dict[str, Any]) -> None:
    page = stage.client.get(tuned["links"]["events"], params={"limit": 500}, headers=JSON).json()
    rounds = [event["data"] for event in page["items"] if event["type"] == "round"]
    assert len(rounds) == 4
    told = {(each["model"], each["lengths"][0]): each["setting"] for each in rounds}
    assert told == {(each["model"]["kind"], each["length"]): each["setting"] for each in results["tuning"]}


def test_the_page_the_table_and_the_figure_show_the_choice(
    stage: Stage, tuned: dict[str, Any], results: dict[str, Any]
) -> None:
    page = stage.client.get(tuned["links"]["results"], headers={"Accept": "text/html"}).text
    assert "<h2>Tuning</h2>" in page
    assert "tuned: the best of 3 learning rates from 0.001 to 0.1 by 2 repeats of each, at every length" in page
    console = Console(file=io.StringIO(), width=120)
    console.print(tables(results))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Tuning: the setting of the lowest median validation loss" in shown
    assert "The best lies at the edge" in shown
    figure = stage.client.get(f"{tuned['links']['results']}/figures/tuning").json()
    assert "Validation loss by learning rate" in str(figure)
    png = stage.client.get(f"{tuned['links']['results']}/figures/tuning.png")
    assert png.content.startswith(b"\x89PNG")


def test_the_page_of_an_experiment_whose_settings_are_still_being_chosen_says_so(stage: Stage) -> None:
    waiting = stage.submit(SPEC)
    page = stage.client.get(waiting["links"]["results"], headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "not yet" in page.text
    document = stage.client.get(waiting["links"]["results"], headers=JSON).json()
    assert {each["chosen"] for each in document["tuning"]} == {None}
    assert all(each["open"] for each in document["tuning"])
    stage.client.post(waiting["links"]["cancel"])
    stage.work()


def test_the_same_request_twice_makes_one_experiment(stage: Stage) -> None:
    headers = {"Idempotency-Key": "tuned-once"}
    first = stage.client.post("/experiments", json=SPEC, headers=headers)
    again = stage.client.post("/experiments", json=SPEC, headers=headers)
    assert first.json()["id"] == again.json()["id"]
    stage.client.post(first.json()["links"]["cancel"])
    stage.work()
