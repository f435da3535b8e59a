"""A length search over HTTP: its plan, its bad input, its course and its results."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.problems import field_errors, message
from tests.contract.stage import SMALL, Stage

SEARCH: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "mlp"}],
    "lengths": {"search": {"low": 2, "high": 60}},
    "training": SMALL,
    "repeats": 4,
    "probes": [{"kind": "change", "index": 0, "sequences": 10}],
}


@pytest.fixture(scope="module")
def searched(stage: Stage) -> dict[str, Any]:
    experiment = stage.finish(SEARCH)
    assert experiment["state"] == "succeeded", experiment
    return experiment


@pytest.fixture(scope="module")
def results(stage: Stage, searched: dict[str, Any]) -> dict[str, Any]:
    return dict(stage.client.get(searched["links"]["results"], headers={"Accept": "application/json"}).json())


def test_the_plan_states_the_most_runs_and_says_so(stage: Stage) -> None:
    before = stage.rows()
    plan = stage.client.post("/experiments?dry_run=true", json=SEARCH).json()
    assert (plan["at_most"], plan["runs"]) == (True, 2 * 24)
    assert any(warning["pointer"] == "#/lengths/search" for warning in plan["warnings"])
    assert plan["spec"]["lengths"] == {"search": {"low": 2, "high": 60, "tolerance": 0.1, "budget": 6}}
    assert stage.rows() == before


def test_a_grid_is_planned_exactly(stage: Stage) -> None:
    assert not stage.client.post("/experiments?dry_run=true", json={**SEARCH, "lengths": [2, 4]}).json()["at_most"]


WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "upside down": ({"low": 9, "high": 2}, {"#/lengths/search": "out_of_order"}),
    "too short for the task": ({"low": 1, "high": 20}, {"#/lengths/search/low": "out_of_range"}),
    "too long": ({"low": 2, "high": 10_001}, {"#/lengths/search/high": "out_of_range"}),
    "no ends": ({}, {"#/lengths/search/low": "missing", "#/lengths/search/high": "missing"}),
    "too exact": (
        {"low": 2, "high": 9, "tolerance": 0},
        {"#/lengths/search/tolerance": "too_small"},
    ),
    "a single length": ({"low": 2, "high": 9, "budget": 1}, {"#/lengths/search/budget": "too_small"}),
    "a field too many": ({"low": 2, "high": 9, "count": 3}, {"#/lengths/search/count": "unknown_field"}),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_search_is_told_in_its_place(stage: Stage, case: str) -> None:
    given, expected = WRONG[case]
    answer = stage.client.post("/experiments", json={**SEARCH, "lengths": {"search": given}, "probes": []})
    assert field_errors(answer) == expected
    assert all(message(answer, place).endswith(".") for place in expected)


def test_a_search_may_take_no_more_runs_than_a_grid(stage: Stage) -> None:
    body = {**SEARCH, "repeats": 1000, "lengths": {"search": {"low": 2, "high": 60, "budget": 60}}}
    answer = stage.client.post(
        "/experiments", json={**body, "models": [{"kind": "rnn", "hidden_size": size} for size in range(1, 5)]}
    )
    assert field_errors(answer) == {"#/repeats": "grid_too_large"}
    assert "may take" in message(answer, "#/repeats")


def test_a_search_grows_to_its_end(searched: dict[str, Any], results: dict[str, Any]) -> None:
    assert searched["runs"]["total"] == searched["runs"]["succeeded"] <= 48
    assert searched["progress"]["completed"] == searched["progress"]["total"] == 2 * searched["runs"]["total"]
    assert sum(each["runs"] for each in results["searches"]) == searched["runs"]["total"]
    assert all(each["over"] and each["runs"] <= each["most_runs"] == 24 for each in results["searches"])


def test_results_show_only_lengths_that_have_runs(results: dict[str, Any]) -> None:
    conditions = results["conditions"]
    assert all(each["runs"]["total"] > 0 for each in conditions)
    assert sum(each["runs"]["total"] for each in conditions) == sum(each["runs"] for each in results["searches"])
    assert len(conditions) == sum(each["lengths"] for each in results["searches"])
    lengths = {each["length"] for each in conditions}
    assert {each["length"] for each in results["baselines"] if "length" in each} <= lengths
    assert [each["model"]["kind"] for each in results["spans"]] == ["rnn", "mlp"]


def test_every_searched_length_is_probed_with_all_its_repeats(results: dict[str, Any]) -> None:
    place = ("model", "length")
    asked = {tuple(map(str, (each[name] for name in place))): each["n"] for each in results["probes"]}
    assert asked == {
        tuple(map(str, (each[name] for name in place))): each["runs"]["total"] for each in results["conditions"]
    }


def test_a_repetition_of_the_search_gives_the_same_numbers(
    stage: Stage, searched: dict[str, Any], results: dict[str, Any]
) -> None:
    again = stage.finish(SEARCH)
    answer = stage.client.get(again["links"]["results"], headers={"Accept": "application/json"}).json()
    timeless = [{**each, "seconds_per_epoch": None} for each in answer["conditions"]]
    assert timeless == [{**each, "seconds_per_epoch": None} for each in results["conditions"]]
    assert answer["spans"] == results["spans"]
    assert answer["searches"] == results["searches"]


def test_events_tell_of_each_round(stage: Stage, searched: dict[str, Any], results: dict[str, Any]) -> None:
    headers = {"Accept": "application/json"}
    page = stage.client.get(searched["links"]["events"], params={"limit": 500}, headers=headers).json()
    rounds = [event for event in page["items"] if event["type"] == "round"]
    assert len(rounds) == sum(each["rounds"] - 1 for each in results["searches"])


def test_the_dashboard_shows_the_search(stage: Stage, searched: dict[str, Any]) -> None:
    page = stage.client.get(searched["links"]["results"], headers={"Accept": "text/html"}).text
    assert "Length search" in page
    listing = stage.client.get("/results", headers={"Accept": "application/json"}).json()
    mine = next(each for each in listing["items"] if each["id"] == searched["id"])
    assert mine["lengths"]["search"]["low"] == 2


def test_an_export_has_a_row_for_each_run(stage: Stage, searched: dict[str, Any]) -> None:
    text = stage.client.get(searched["links"]["results"], params={"format": "csv"}).text
    assert len(text.splitlines()) == 1 + searched["runs"]["total"]
