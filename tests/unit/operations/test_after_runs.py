"""After runs: an experiment ends when, and only when, nothing of it is left to do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from memspan.interfaces.readings import Scalars
from service.operations import experiments, finish_runs, patrol, probes, work
from service.operations.after_runs import final_state
from service.storage.states import Reason, RunState
from service.storage.tables import runs
from tests.scenes import Scene

PROBES = [{"kind": "change", "index": 0, "percent": 50}, {"kind": "change", "index": 1, "percent": 50}]
ANSWER = Scalars(values={"loss": 0.5}, low={"loss": 0.25}, high={"loss": 0.75}, n=2, units={"loss": "1"})


def end(scene: Scene, outcome: RunState) -> None:
    """Claim some runs and end them in a state."""
    claimed = scene.claim()
    if outcome is RunState.SUCCEEDED:
        scene.finish(claimed)
    else:
        finish_runs.end(scene.context, claimed, outcome, Reason.ERROR, "for a test")


def answer(scene: Scene, well: bool = True) -> None:
    """Claim a probe and answer it."""
    claimed = probes.claim(scene.context, "worker")
    assert claimed is not None
    if well:
        probes.finish(scene.context, claimed, ANSWER)
    else:
        probes.fail(scene.context, claimed, Reason.ERROR, "for a test")


S, F = RunState.SUCCEEDED, RunState.FAILED


@pytest.mark.parametrize(
    ("ends", "state"), [((S, S), "succeeded"), ((S, F), "partial"), ((F, S), "partial"), ((F, F), "failed")]
)
def test_an_experiment_ends_with_its_last_run(scene: Scene, ends: tuple[RunState, ...], state: str) -> None:
    key = scene.submit(lengths=[2, 3], repeats=1)
    end(scene, ends[0])
    assert scene.state(key) == "running"
    end(scene, ends[1])
    view = experiments.look(scene.context, key)
    assert view.row.state == state
    assert view.row.finished_at >= view.row.started_at >= view.row.created_at
    assert view.counts["runs"]["succeeded"] == ends.count(S)


def test_an_experiment_succeeds_only_with_its_last_probe(scene: Scene) -> None:
    key = scene.submit(probes=PROBES)
    end(scene, S)
    assert scene.state(key) == "running"
    assert scene.context.bell.rung[-1] == "probe"
    answer(scene)
    assert scene.state(key) == "running"
    answer(scene)
    assert scene.state(key) == "succeeded"
    stored = probes.listing(scene.context, None, 10, key, None, None)
    assert [(row.state, row.n, row.result["values"]) for row in stored] == [("succeeded", 2, {"loss": 0.5})] * 2


def test_a_failed_probe_makes_an_experiment_partial(scene: Scene) -> None:
    key = scene.submit(probes=PROBES[:1])
    end(scene, S)
    answer(scene, well=False)
    assert scene.state(key) == "partial"


def test_conditions_without_a_model_are_not_probed(scene: Scene) -> None:
    key = scene.submit(probes=PROBES, lengths=[2, 3])
    end(scene, F)
    assert probes.claim(scene.context, "worker") is None
    end(scene, S)
    answer(scene), answer(scene)
    assert scene.state(key) == "partial"


def test_each_condition_is_probed_as_soon_as_its_runs_are_done(scene: Scene) -> None:
    scene.submit(probes=PROBES[:1], lengths=[2, 3], repeats=33)
    asked = []
    for _ in range(4):
        claimed = scene.claim()
        scene.finish(claimed)
        found = probes.claim(scene.context, "worker")
        asked.append(found is not None and found.condition.length == claimed.condition.length)
        if found:
            assert len(found.weights) == 33
    assert sum(asked) == 2
    assert asked[-1]


def test_workers_that_finish_at_once_end_the_experiment(scene: Scene) -> None:
    for _ in range(8):
        key = scene.submit(lengths=[2, 3], probes=PROBES[:1])
        claims = [scene.claim(), scene.claim()]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(scene.finish, claims))
        waiting = [probes.claim(scene.context, "worker") for _ in claims]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda claimed: probes.finish(scene.context, claimed, ANSWER), waiting))
        assert scene.state(key) == "succeeded"


def test_a_probe_whose_worker_is_lost_is_asked_again_and_fails_at_the_third_loss(scene: Scene) -> None:
    key = scene.submit(probes=PROBES[:1])
    end(scene, S)
    for _ in range(3):
        assert probes.claim(scene.context, "lost") is not None
        assert scene.state(key) == "running"
        patrol.take_back(scene.context, "lost")
    assert scene.state(key) == "partial"
    (row,) = probes.listing(scene.context, None, 10, key, None, None)
    assert (row.state, row.reason, row.attempt) == ("failed", "worker_lost", 3)


def test_the_patrol_ends_what_a_dying_process_left_undone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are done, but whoever did the last one died before it could end the experiment."""
    key = scene.submit()
    claimed = scene.claim()
    monkeypatch.setattr(finish_runs, "_after", lambda *_: None)
    scene.finish(claimed)
    assert scene.state(key) == "running"
    patrol.walk(scene.context, "patrol")
    assert scene.state(key) == "succeeded"


def test_an_experiment_out_of_time_fails_what_waits_and_stops_what_runs(scene: Scene) -> None:
    key = scene.submit(repeats=40, limits={"max_seconds": 1e-6})
    claimed = scene.claim()
    patrol.walk(scene.context, "patrol")
    assert scene.counts(key) == {"running": len(claimed.runs), "failed": 40 - len(claimed.runs)}
    assert scene.tell(claimed) is work.Order.TIME_IS_UP
    finish_runs.end(scene.context, claimed, RunState.FAILED, Reason.TIMEOUT, "late")
    assert scene.state(key) == "failed"


def test_an_error_in_training_is_stored_with_its_reason(scene: Scene) -> None:
    key = scene.submit()
    finish_runs.end(scene.context, scene.claim(), RunState.FAILED, Reason.OUT_OF_MEMORY, "There was not enough memory.")
    assert scene.counts(key) == {"failed": 2}
    with scene.context.database.reading() as connection:
        rows = connection.execute(runs.select()).all()
    assert {(row.reason, row.detail) for row in rows} == {("out_of_memory", "There was not enough memory.")}


def counts(**of: int) -> dict[str, int]:
    states = {state.value: of.get(state.value, 0) for state in RunState}
    return {"total": sum(of.values()), **states}


@pytest.mark.parametrize(
    ("of", "asked", "cancelled", "state"),
    [
        ({"succeeded": 2}, {}, False, "succeeded"),
        ({"succeeded": 2}, {"succeeded": 1}, False, "succeeded"),
        ({"succeeded": 2}, {"failed": 1}, False, "partial"),
        ({"succeeded": 1, "failed": 1}, {}, False, "partial"),
        ({"failed": 2}, {}, False, "failed"),
        ({"succeeded": 1, "cancelled": 1}, {}, True, "cancelled"),
        ({"failed": 1, "cancelled": 1}, {}, True, "cancelled"),
        ({"cancelled": 2}, {}, True, "cancelled"),
        ({"failed": 2}, {}, True, "cancelled"),
        ({"succeeded": 2}, {}, True, "succeeded"),
        ({"succeeded": 2}, {"cancelled": 1}, True, "cancelled"),
    ],
)
def test_the_table_of_final_states(of: Any, asked: Any, cancelled: bool, state: str) -> None:
    assert final_state(counts(**of), asked, cancelled) == state
