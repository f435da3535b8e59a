"""Comparisons over experiments, over HTTP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from memspan.experiment.differences import differences
from service.client.comparing import answer
from tests.contract.stage import SMALL, Stage, staged

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "rnn", "hidden_size": 2}],
    "lengths": [2, 4],
    "training": SMALL,
    "repeats": 3,
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two experiments that differ in a model and in their epochs, and one of another task."""
    with staged(Path(tmp_path_factory.mktemp("comparisons"))) as stage:
        stage.finish(SPEC)
        stage.finish(
            {**SPEC, "name": "b", "models": [{"kind": "gru", "hidden_size": 1}], "training": {**SMALL, "epochs": 3}}
        )
        stage.finish({**SPEC, "tasks": [{"kind": "first_last"}]})
        yield stage


def test_models_of_two_experiments_are_compared_with_their_differences(lab: Stage) -> None:
    found = lab.client.get("/comparisons?experiments=exp-1,exp-2").json()
    assert [each["id"] for each in found["experiments"]] == ["exp-1", "exp-2"]
    differing = {each["pointer"]: each["values"] for each in found["differences"]}
    assert differing["#/training/epochs"] == {"exp-1": 2, "exp-2": 3}
    assert differing["#/models/0/kind"] == {"exp-1": "rnn", "exp-2": "gru"}
    assert differing["#/models/0/reset"] == {"exp-1": None, "exp-2": "after"}
    assert "#/name" not in differing
    (span,) = [each for each in found["comparisons"] if each["metric"] == "span"]
    assert (span["a"]["experiment"], span["b"]["experiment"]) == ("exp-1", "exp-2")
    assert span["a"]["model"]["kind"] == "rnn"
    assert span["same_budget"] is False
    assert "rnn of exp-1" in span["sentence"]
    assert "Not by the same training" in span["sentence"]
    assert found["rankings"][0]["models"][0]["model"]["experiment"] in ("exp-1", "exp-2")


def test_experiments_without_a_common_task_have_no_comparison(lab: Stage) -> None:
    found = lab.client.get("/comparisons?experiments=exp-1, exp-3").json()
    assert found["comparisons"] == []
    assert found["differences"]


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ("exp-1", 422, "Give 2 to 8 different experiments"),
        ("exp-1,exp-1", 422, "given 1"),
        (",".join(f"exp-{n}" for n in range(9)), 422, "given 9"),
        ("exp-1,exp-99", 404, "There is no experiment exp-99"),
        ("exp-1,run-1", 404, "run-1"),
    ],
)
def test_what_can_not_be_compared_is_said(lab: Stage, asked: str, status: int, words: str) -> None:
    found = lab.client.get("/comparisons", params={"experiments": asked})
    assert found.status_code == status
    assert words in found.json()["detail"]


def test_too_many_models_of_a_task_are_not_compared(lab: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.operations.comparisons.MOST", 1)
    found = lab.client.get("/comparisons?experiments=exp-1,exp-2")
    assert found.status_code == 422
    assert "2 models on the task latch; at most 1" in found.json()["detail"]


def test_a_terminal_shows_differences_and_sentences(lab: Stage) -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(answer(lab.client.get("/comparisons?experiments=exp-1,exp-2").json()))
    console.print(answer(lab.client.get("/comparisons?experiments=exp-1,exp-3").json()))
    text = " ".join(console.export_text().split())
    assert "#/training/epochs 2 3" in text
    assert "By memory span:" in text
    assert "They share no task" in text


def test_specs_that_are_equal_have_no_difference() -> None:
    assert differences({"a": {**SPEC, "name": "x"}, "b": SPEC}) == []
    assert differences({"a": {"lengths": [2, 4]}, "b": {"lengths": [2]}}) == [
        {"pointer": "#/lengths/1", "values": {"a": 4, "b": None}}
    ]
