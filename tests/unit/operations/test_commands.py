"""What a user may tell an experiment: cancel, pause, resume."""

from __future__ import annotations

import pytest

from service.errors import Conflict, NotFound
from service.operations import events, experiments, finish_runs, patrol, probes, results, setting_aside
from service.operations.work import Order
from service.storage.states import RunState
from tests.scenes import Scene

PROBE = [{"kind": "change", "index": 0, "percent": 50}]


def test_a_queued_experiment_is_cancelled_at_once(scene: Scene) -> None:
    key = scene.submit()
    view, changed = experiments.cancel(scene.context, key)
    assert (view.row.state, changed, scene.counts(key)) == ("cancelled", True, {"cancelled": 2})
    assert scene.try_claim() is None


def test_what_runs_is_told_at_its_next_report(scene: Scene) -> None:
    key = scene.submit(repeats=40)
    claimed = scene.claim()
    view, changed = experiments.cancel(scene.context, key)
    assert (view.row.state, changed) == ("running", True)
    assert scene.counts(key) == {"running": len(claimed.runs), "cancelled": 40 - len(claimed.runs)}
    assert scene.keep(claimed) is Order.CANCEL
    finish_runs.end(scene.context, claimed, RunState.CANCELLED)
    assert (scene.state(key), scene.counts(key)) == ("cancelled", {"cancelled": 40})


def test_an_experiment_is_cancelling_until_its_workers_let_go(scene: Scene) -> None:
    key = scene.submit()
    claimed = scene.claim()
    before = results.results_document(scene.context, key)["experiment"]
    assert (before["state"], before["cancelling"]) == ("running", False)
    experiments.cancel(scene.context, key)
    meanwhile = results.results_document(scene.context, key)["experiment"]
    assert (meanwhile["state"], meanwhile["cancelling"]) == ("running", True)
    assert events.after(scene.context, key, 0, 100)[-1].body == {"state": "running", "cancelling": True}
    finish_runs.end(scene.context, claimed, RunState.CANCELLED)
    after = results.results_document(scene.context, key)["experiment"]
    assert (after["state"], after["cancelling"]) == ("cancelled", False)


def test_what_finished_before_a_cancellation_stays(scene: Scene) -> None:
    key = scene.submit(repeats=40)
    claimed = scene.claim()
    scene.finish(claimed)
    experiments.cancel(scene.context, key)
    assert scene.counts(key) == {"succeeded": len(claimed.runs), "cancelled": 40 - len(claimed.runs)}
    assert scene.state(key) == "cancelled"


def test_cancelling_twice_is_once_and_a_finished_experiment_is_a_conflict(scene: Scene) -> None:
    key, done = scene.submit(lengths=[3]), scene.submit()
    experiments.cancel(scene.context, key)
    assert experiments.cancel(scene.context, key)[1] is False
    scene.finish_all()
    with pytest.raises(Conflict):
        experiments.cancel(scene.context, done)
    with pytest.raises(NotFound):
        experiments.cancel(scene.context, 999)


def test_cancelling_stops_probes_that_wait_and_the_experiment_is_not_called_a_success(scene: Scene) -> None:
    key = scene.submit(probes=PROBE)
    scene.finish(scene.claim())
    assert scene.state(key) == "running"
    experiments.cancel(scene.context, key)
    assert scene.state(key) == "cancelled"
    assert probes.claim(scene.context, "worker") is None


def test_runs_that_finish_after_a_cancellation_are_not_probed_and_no_success(scene: Scene) -> None:
    key = scene.submit(probes=PROBE)
    claimed = scene.claim()
    experiments.cancel(scene.context, key)
    scene.finish(claimed)
    assert (scene.state(key), scene.counts(key)) == ("cancelled", {"succeeded": 2})
    assert probes.claim(scene.context, "worker") is None


def test_a_worker_lost_after_a_cancellation_does_not_bring_its_runs_back(scene: Scene) -> None:
    key = scene.submit()
    scene.claim("lost")
    experiments.cancel(scene.context, key)
    patrol.take_back(scene.context, "lost")
    assert (scene.state(key), scene.counts(key)) == ("cancelled", {"cancelled": 2})


@pytest.mark.parametrize("paused", [False, True])
def test_what_is_given_back_after_a_cancellation_is_cancelled(scene: Scene, paused: bool) -> None:
    """A worker stored its slice, and was about to give its runs back, when the experiment was cancelled."""
    key = scene.submit()
    claimed = scene.claim()
    if paused:
        experiments.pause(scene.context, key)
    assert scene.keep(claimed) is (Order.RELEASE if paused else Order.GO_ON)
    experiments.cancel(scene.context, key)
    scene.give_back(claimed)
    assert (scene.state(key), scene.counts(key)) == ("cancelled", {"cancelled": 2})


def test_a_paused_experiment_goes_on_where_it_stood(scene: Scene) -> None:
    key = scene.submit()
    claimed = scene.claim()
    view, changed = experiments.pause(scene.context, key)
    assert (view.row.state, changed) == ("paused", True)
    assert scene.keep(claimed, epoch=1) is Order.RELEASE
    scene.give_back(claimed)
    assert scene.try_claim() is None
    view, changed = experiments.resume(scene.context, key)
    assert (view.row.state, changed) == ("running", True)
    again = scene.claim()
    assert again.snapshots[0].position.epoch == 1
    scene.finish(again)
    assert scene.state(key) == "succeeded"


@pytest.mark.parametrize("served_meanwhile", [0, 1, 3])
def test_a_large_experiment_that_goes_on_keeps_the_order_of_its_stacks(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, served_meanwhile: int
) -> None:
    """Stacks come back a few at a time, the first of them at once and the others when the patrol goes on with it."""
    monkeypatch.setattr(setting_aside, "FLIPPED", 2)
    monkeypatch.setattr(experiments, "ANSWER_SECONDS", 0.0)
    lengths = list(range(2, 12))
    key = scene.submit(lengths=lengths)
    experiments.pause(scene.context, key)
    other = scene.submit(lengths=[200 + length for length in range(8)])
    for _ in range(4):
        scene.finish(scene.claim())  # the queue goes on
    experiments.resume(scene.context, key)
    mine = []
    for _ in range(served_meanwhile):
        claimed = scene.claim()
        mine += [claimed.condition.length] if claimed.experiment == key else []
        scene.finish(claimed)
    patrol.walk(scene.context, "somebody")
    while (claimed := scene.try_claim()) is not None:
        mine += [claimed.condition.length] if claimed.experiment == key else []
        scene.finish(claimed)
    assert mine == sorted(lengths, reverse=True)
    assert (scene.state(key), scene.state(other)) == ("succeeded", "succeeded")


def test_an_experiment_paused_before_its_start_is_queued_again(scene: Scene) -> None:
    key = scene.submit()
    experiments.pause(scene.context, key)
    assert experiments.resume(scene.context, key)[0].row.state == "queued"
    assert {"cpu", "gpu"} <= set(scene.context.bell.rung)


def test_asking_for_the_state_it_is_in_changes_nothing(scene: Scene) -> None:
    key = scene.submit()
    assert experiments.resume(scene.context, key)[1] is False
    experiments.pause(scene.context, key)
    assert experiments.pause(scene.context, key)[1] is False
    kinds = [event.body.get("state") for event in events.after(scene.context, key, 0, 100)]
    assert kinds == ["queued", "paused"]


def test_a_finished_experiment_neither_pauses_nor_resumes(scene: Scene) -> None:
    key = scene.submit()
    scene.finish_all()
    for command in (experiments.pause, experiments.resume):
        with pytest.raises(Conflict):
            command(scene.context, key)


def test_a_cancelled_experiment_does_not_pause(scene: Scene) -> None:
    key = scene.submit()
    scene.claim()
    experiments.cancel(scene.context, key)
    with pytest.raises(Conflict):
        experiments.pause(scene.context, key)


def test_runs_that_finish_while_paused_end_the_experiment(scene: Scene) -> None:
    key = scene.submit()
    claimed = scene.claim()
    experiments.pause(scene.context, key)
    scene.finish(claimed)
    assert scene.state(key) == "succeeded"
