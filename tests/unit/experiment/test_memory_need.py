"""Experiments that no worker can hold: the field that drives their need is named, with a value that fits."""

from __future__ import annotations

from typing import Any

import pytest

import memspan
from memspan.engine.condition import Condition
from memspan.engine.machine_memory import machine_bytes
from memspan.engine.peak_memory import PROCESS_BYTES
from memspan.engine.placement import Device, Placement, place
from memspan.experiment import memory_need
from memspan.experiment.flaw import Flaw
from memspan.experiment.flaws import flaws
from memspan.experiment.memory_need import memory_flaws
from memspan.experiment.placements import Placements
from memspan.experiment.run import SpecImpossible
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits

GIB = 2**30
SIZES = {"train_size": 24, "validation_size": 12, "test_size": 50, "batch_size": 12}
GIANTS: dict[str, dict[str, Any]] = {
    "min_lstm(4000), T = 10 000, batch 12": {
        "tasks": [{"kind": "latch"}], "models": [{"kind": "min_lstm", "hidden_size": 4000}], "lengths": [10_000],
    },
    "copy at 9 900 with 2 000 sequences": {
        "tasks": [{"kind": "copy", "form": "power_law"}], "models": [{"kind": "lstm", "hidden_size": 1}],
        "lengths": [9_900],
        "training": SIZES | {"train_size": 2_000, "validation_size": 2_000, "test_size": 2_000},
    },
    "a million to test with lstm(100), T = 200": {
        "tasks": [{"kind": "latch"}], "models": [{"kind": "lstm", "hidden_size": 100}], "lengths": [200],
        "training": {"test_size": 1_000_000},
    },
    "rnn(7), batch 65 536, T = 1 000": {
        "tasks": [{"kind": "latch"}], "models": [{"kind": "rnn", "hidden_size": 7}], "lengths": [1_000],
        "training": {"batch_size": 65_536, "train_size": 65_536},
    },
}  # fmt: skip


def spec(body: dict[str, Any]) -> ExperimentSpec:
    return ExperimentSpec.model_validate({"training": SIZES, **body})


def found(body: dict[str, Any], limit: int) -> Flaw:
    """The one flaw of a spec that is sound but for its need."""
    asked = spec(body)
    assert flaws(asked, Limits()) == []
    (flaw,) = memory_flaws(asked, {"cpu": limit})
    return flaw


def test_the_giants_that_took_more_than_11_gb_are_planned_and_most_now_need_little() -> None:
    peaks = {name: Placements(spec(body))[0].peak_bytes / GIB for name, body in GIANTS.items()}
    assert 6 < peaks.pop("min_lstm(4000), T = 10 000, batch 12") < 9
    assert all(peak < 2.5 for peak in peaks.values()), peaks


@pytest.mark.parametrize("name", GIANTS)
def test_a_giant_is_refused_where_its_need_is_not_there_and_accepted_where_it_is(name: str) -> None:
    peak = Placements(spec(GIANTS[name]))[0].peak_bytes
    assert memory_flaws(spec(GIANTS[name]), {"cpu": peak}) == []
    assert found(GIANTS[name], peak - 1).code == "out_of_memory"


@pytest.mark.parametrize(
    ("body", "share", "path"),
    [
        (GIANTS["min_lstm(4000), T = 10 000, batch 12"], 0.5, ("training", "batch_size")),
        (GIANTS["copy at 9 900 with 2 000 sequences"], 0.95, ("training", "train_size")),
        (
            {"tasks": [{"kind": "latch"}], "models": [{"kind": "lstm", "hidden_size": 100}], "lengths": [200],
             "training": SIZES | {"test_size": 80_000}},
            0.5,
            ("training", "test_size"),
        ),
        (
            {"tasks": [{"kind": "latch"}], "lengths": [20],
             "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "mlp", "hidden_size": [4096] * 6}]},
            0.5,
            ("models", 1, "hidden_size"),
        ),
        (
            {"tasks": [{"kind": "latch"}], "models": [{"kind": "min_lstm", "hidden_size": 3000}],
             "lengths": [2, 10_000], "training": SIZES | {"batch_size": 1}},
            0.5,
            ("lengths",),
        ),
    ],
)  # fmt: skip
def test_the_field_that_drives_the_need_is_named_with_the_largest_value_that_fits(
    body: dict[str, Any], share: float, path: tuple[str | int, ...]
) -> None:
    """Where only a share of what is needed beside the process itself is there."""
    limit = PROCESS_BYTES + int(share * (Placements(spec(body))[-1].peak_bytes - PROCESS_BYTES))
    flaw = found(body, limit)
    assert flaw.path == path
    assert f"{path[-1]} drives it: " in flaw.message
    assert "at most" in flaw.message
    fits = int(flaw.message.split("drives it: ")[1].split(" would fit")[0])
    assert memory_flaws(spec(changed(body, path, fits)), {"cpu": limit}) == []
    assert memory_flaws(spec(changed(body, path, fits + 1)), {"cpu": limit}) != []


def changed(body: dict[str, Any], path: tuple[str | int, ...], value: int) -> dict[str, Any]:
    """A spec with another number in one place."""
    if path[0] == "training":
        return {**body, "training": SIZES | body.get("training", {}) | {path[1]: value}}
    if path[0] == "lengths":
        return {**body, "lengths": [2, value]}
    models = [*body["models"]]
    models[int(path[1])] = {**models[int(path[1])], "hidden_size": [value] * 6}
    return {**body, "models": models}


def test_where_no_field_alone_helps_the_model_is_named() -> None:
    flaw = found({"tasks": [{"kind": "latch"}], "models": [{"kind": "rnn", "hidden_size": 1}], "lengths": [5]}, 2**20)
    assert flaw.path == ("models", 0)
    assert "No field alone brings it below." in flaw.message


def test_a_need_is_looked_up_once_for_each_model_and_shape_of_task_however_many_lengths_and_tasks_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    placed: list[object] = []

    def noted(condition: Condition, device: Device) -> Placement:
        placed.append(condition)
        return place(condition, device)

    monkeypatch.setattr(memory_need, "place", noted)
    lengths = list(range(2, 1_002))
    models = [{"kind": "rnn", "hidden_size": size} for size in range(1, 6)]
    tasks = [*({"kind": "latch", "noise": each / 10} for each in range(20)), {"kind": "adding"}]
    assert memory_flaws(spec({"tasks": tasks, "models": models, "lengths": lengths}), {"cpu": GIB}) == []
    assert len(placed) == 2 * 5


def test_the_notebook_refuses_what_this_machine_can_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"training": SIZES, **GIANTS["min_lstm(4000), T = 10 000, batch 12"]}
    monkeypatch.setenv("MEMSPAN_WORKER_MEMORY", "2GiB")
    with pytest.raises(SpecImpossible, match=r"training.batch_size: .* 2.0GiB are there \(MEMSPAN_WORKER_MEMORY\)"):
        memspan.run(body)
    assert machine_bytes() > 0
