"""Predictions in parts: a state is handed back with the next steps, and nothing differs by a bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.contract.stage import Stage, staged

MODELS = [
    {"kind": "lstm", "hidden_size": [6, 5]},
    {"kind": "gru", "hidden_size": 40, "initialization": "torch"},
    {"kind": "rnn", "hidden_size": 3},
    {"kind": "lstm", "hidden_size": 8, "peephole": True},
    {"kind": "tcn"},
    {"kind": "lstm", "hidden_size": 4, "bidirectional": True},
]
SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": MODELS,
    "lengths": [8],
    "training": {"train_size": 32, "validation_size": 16, "test_size": 16, "epochs": 1},
    "repeats": 1,
}
INPUTS = np.random.default_rng(3).standard_normal((5, 40, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("stateful")) as made:
        made.finish(SPEC)
        made.finish({**SPEC, "tasks": [{"kind": "binary_addition"}], "models": MODELS[:1]})
        yield made


def checkpoint(stage: Stage, experiment: str, position: int) -> str:
    run = stage.client.get(f"/experiments/{experiment}/runs").json()["items"]
    found = stage.client.get(f"/runs/{sorted(run, key=lambda each: int(each['id'][4:]))[position]['id']}").json()
    return str(found["checkpoints"][-1]["id"])


def asked(stage: Stage, name: str, **question: Any) -> dict[str, Any]:
    answer = stage.client.post(f"/checkpoints/{name}/predictions", json=question)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("parts", [[40], [1] * 40, [13, 1, 26]])
def test_parts_of_a_sequence_get_the_bits_of_the_whole(stage: Stage, position: int, parts: list[int]) -> None:
    name = checkpoint(stage, "exp-1", position)
    whole = asked(stage, name, inputs=INPUTS.tolist())
    assert "state" not in whole
    state, first = None, 0
    for steps in parts:
        shown = INPUTS[:, first : first + steps].tolist()
        answer = asked(stage, name, inputs=shown, state=state, return_state=True)
        state, first = answer["state"], first + steps
    assert answer["outputs"] == whole["outputs"]


def test_answers_at_every_step_go_on_where_they_were_left(stage: Stage) -> None:
    name = checkpoint(stage, "exp-2", 0)
    inputs = np.random.default_rng(4).integers(0, 2, (3, 9, 2)).astype(float)
    whole = asked(stage, name, inputs=inputs.tolist())["outputs"]
    first = asked(stage, name, inputs=inputs[:, :4].tolist(), return_state=True)
    second = asked(stage, name, inputs=inputs[:, 4:].tolist(), state=first["state"])
    assert [a + b for a, b in zip(first["outputs"], second["outputs"], strict=True)] == whole


@pytest.mark.parametrize("position", [4, 5])
def test_a_model_without_such_a_state_says_so(stage: Stage, position: int) -> None:
    name = checkpoint(stage, "exp-1", position)
    answer = stage.client.post(
        f"/checkpoints/{name}/predictions", json={"inputs": INPUTS[:, :8].tolist(), "return_state": True}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/state"
    assert "keeps no state" in answer.json()["detail"]


def test_a_state_that_is_none_or_of_others_is_named(stage: Stage) -> None:
    name, other = checkpoint(stage, "exp-1", 0), checkpoint(stage, "exp-1", 1)
    state = asked(stage, name, inputs=INPUTS.tolist(), return_state=True)["state"]
    for target, given, shown, words in (
        (name, "not base64!", INPUTS, "state must be what an answer gave"),
        (name, "AAAA", INPUTS, "another model"),
        (other, state, INPUTS, "another model"),
        (name, state, INPUTS[:2], "of 5 sequences, and 2 are given"),
        (name, state[:-8], INPUTS, "sequences"),
    ):
        answer = stage.client.post(
            f"/checkpoints/{target}/predictions", json={"inputs": shown.tolist(), "state": given, "return_state": True}
        )
        assert answer.status_code == 422, words
        assert words in answer.json()["detail"]
