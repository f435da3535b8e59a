"""Ends of searches: what is lost, fails, is cancelled, paused or out of time ends its round, and no more than that."""

from __future__ import annotations

from sqlalchemy import update

from service.operations import experiments, finish_runs, patrol, results
from service.storage.clock import now
from service.storage.states import Reason, RunState
from service.storage.tables import experiments as experiments_table
from tests.scenes import Scene
from tests.unit.operations.searches import PROBES, SPAN, end, search, stored, told, work


def test_a_worker_that_dies_only_delays_a_round(scene: Scene) -> None:
    key = search(scene)
    lost = scene.claim("doomed")
    while (claimed := scene.try_claim()) is not None:
        end(scene, claimed)
    assert told(scene, key, "round") == []
    patrol.take_back(scene.context, "doomed")
    end(scene, lost)  # a zombie: it writes nothing
    assert told(scene, key, "round") == []
    work(scene)
    assert scene.state(key) == "succeeded"


def test_a_run_whose_workers_are_lost_thrice_ends_its_round_as_failed(scene: Scene) -> None:
    key = search(scene)
    claims = [scene.claim() for _ in range(3)]
    end(scene, claims[0]), end(scene, claims[1])
    for _ in range(2):
        patrol.take_back(scene.context, "worker")
        scene.claim()
    patrol.take_back(scene.context, "worker")
    assert scene.counts(key)["failed"] == 1
    assert len(told(scene, key, "round")) == 1
    work(scene)
    assert scene.state(key) == "partial"
    assert results.results_document(scene.context, key)["searches"][0]["over"]


def test_a_search_of_which_all_runs_fail_ends(scene: Scene) -> None:
    key = search(scene, probes=PROBES)
    while (claimed := scene.try_claim()) is not None:
        finish_runs.end(scene.context, claimed, RunState.FAILED, Reason.ERROR, "for a test")
    assert (scene.state(key), scene.counts(key)) == ("failed", {"failed": 3})


def test_a_search_goes_on_without_lengths_that_fail(scene: Scene) -> None:
    key = search(scene)
    while (claimed := scene.try_claim()) is not None:
        if (claimed.condition.length or 0) > 100:
            finish_runs.end(scene.context, claimed, RunState.FAILED, Reason.OUT_OF_MEMORY, "for a test")
        else:
            end(scene, claimed)
    assert scene.state(key) in ("succeeded", "partial")
    (span,) = results.results_document(scene.context, key)["spans"]
    assert span["low"] <= SPAN <= span["high"]


def test_a_cancelled_search_asks_for_nothing_more(scene: Scene) -> None:
    key = search(scene, probes=PROBES)
    work(scene, rounds=1)
    claimed = scene.claim()
    experiments.cancel(scene.context, key)
    end(scene, claimed)
    assert scene.state(key) == "cancelled"
    assert len(told(scene, key, "round")) == 1
    assert results.results_document(scene.context, key)["searches"][0]["over"]


def test_a_search_that_is_cancelled_after_its_last_run_keeps_what_it_has(scene: Scene) -> None:
    key = search(scene)
    claims = [scene.claim() for _ in range(3)]
    experiments.cancel(scene.context, key)
    for claimed in claims:
        end(scene, claimed)
    assert told(scene, key, "round") == []
    assert scene.state(key) == "succeeded"


def test_a_paused_search_queues_its_next_round_and_waits_with_it(scene: Scene) -> None:
    key = search(scene)
    claims = [scene.claim() for _ in range(3)]
    experiments.pause(scene.context, key)
    for claimed in claims:
        end(scene, claimed)
    assert len(told(scene, key, "round")) == 1
    assert scene.try_claim() is None
    experiments.resume(scene.context, key)
    work(scene)
    assert scene.state(key) == "succeeded"


def test_a_search_whose_time_is_over_ends_instead_of_failing_round_after_round(scene: Scene) -> None:
    key = search(scene, limits={"max_seconds": 3600})
    work(scene, rounds=1)
    before = len(stored(scene, key))
    with scene.context.database.writing() as connection:
        connection.execute(update(experiments_table).values(started_at=now() - 4000))
    patrol.walk(scene.context, "owner")
    assert scene.state(key) == "partial"
    assert len(stored(scene, key)) == before
