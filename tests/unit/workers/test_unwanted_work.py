"""Cancelling, stopping and budgets are obeyed in the middle of what takes long, too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from memspan.probes.lyapunov import Lyapunov
from service.operations import experiments, runs
from service.storage import probes
from service.storage.probes import ProbeRecord
from service.storage.states import ExperimentState
from tests.scenes import Scene
from tests.waiting import until
from workers import loop as loop_module
from workers.beat import Beat
from workers.identity import identify
from workers.lookout import Lookout
from workers.loop import Loop

QUEUES = ("cpu", "probe")
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""an interruption that comes in a hook of Python's collector is lost there, with such a warning; another one follows"""
LONG_STEP: dict[str, Any] = {
    "models": [{"kind": "lstm", "hidden_size": 1024}], "lengths": [4_000], "repeats": 1,
    "training": {"epochs": 1, "batch_size": 1, "train_size": 1, "validation_size": 1, "test_size": 1},
}  # fmt: skip
"""one optimiser step, of half a minute: 4 000 products with a matrix of 16 MiB, three times"""
LONG_PROBE = Lyapunov(sequences=50, steps=10_000)


@pytest.fixture
def leaving() -> threading.Event:
    return threading.Event()


@pytest.fixture
def loop(scene: Scene, leaving: threading.Event) -> Iterator[Loop]:
    """One whose lookout looks often."""
    identity = identify(QUEUES, 2**34)
    beat = Beat(scene.context, identity)
    beat.start()
    made = Loop(scene.context, identity, beat, leaving.is_set)
    made._lookout = Lookout(late_seconds=0.3, look_seconds=0.1)
    yield made
    beat.end()


def meanwhile(begun: Callable[[], bool], act: Callable[[], object]) -> threading.Thread:
    """Act from elsewhere, once something has begun."""

    def wait() -> None:
        until(begun, 60, "the work to begin")
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def worked(loop: Loop, thread: threading.Thread) -> list[str]:
    """Do what waits; the fates of runs."""
    with capture_logs() as logs:
        loop.work(QUEUES)
    thread.join()
    return [each["fate"] for each in logs if each["event"] == "runs_left"]


def running(scene: Scene, key: int) -> Callable[[], bool]:
    return lambda: scene.state(key) == ExperimentState.RUNNING


def test_a_cancelled_experiment_ends_in_the_middle_of_a_step(scene: Scene, loop: Loop) -> None:
    key = scene.submit(**LONG_STEP)
    thread = meanwhile(running(scene, key), lambda: experiments.cancel(scene.context, key))
    assert worked(loop, thread) == ["INTERRUPTED"]
    assert scene.state(key) == "cancelled"
    assert scene.counts(key) == {"cancelled": 1}


def test_a_worker_that_is_told_to_stop_gives_back_what_it_is_in_the_middle_of(
    scene: Scene, loop: Loop, leaving: threading.Event
) -> None:
    key = scene.submit(**LONG_STEP)
    assert worked(loop, meanwhile(running(scene, key), leaving.set)) == ["INTERRUPTED"]
    assert scene.counts(key) == {"queued": 1}


def test_a_budget_of_seconds_ends_runs_in_the_middle_of_a_step(scene: Scene, loop: Loop) -> None:
    key = scene.submit(**LONG_STEP, limits={"max_seconds": 1})
    assert worked(loop, meanwhile(running(scene, key), lambda: None)) == ["INTERRUPTED"]
    assert scene.state(key) == "failed"
    assert {row.reason for row in runs.listing(scene.context, key, None, 10, None)[0]} == {"timeout"}


def test_a_worker_that_is_told_to_stop_compiles_no_longer(
    loop: Loop, leaving: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_on_for_ever() -> None:
        while True:
            time.sleep(0.01)

    monkeypatch.setattr(loop_module, "warm", go_on_for_ever)
    leaving.set()
    loop.warm()


def asked(scene: Scene, key: int) -> list[ProbeRecord]:
    with scene.context.database.reading() as connection:
        return probes.page(connection, None, 10, key, None, None)


def probing(scene: Scene, key: int) -> Callable[[], bool]:
    return lambda: any(each.state == "running" for each in asked(scene, key))


def test_a_probe_ends_with_its_experiment_that_is_cancelled(scene: Scene, loop: Loop) -> None:
    key = scene.submit(probes=[LONG_PROBE])
    thread = meanwhile(probing(scene, key), lambda: experiments.cancel(scene.context, key))
    assert worked(loop, thread) == ["DONE"]
    assert [each.state for each in asked(scene, key)] == ["cancelled"]
    assert scene.state(key) == "cancelled"


def test_a_probe_of_a_worker_that_is_told_to_stop_goes_back_into_its_queue(
    scene: Scene, loop: Loop, leaving: threading.Event
) -> None:
    key = scene.submit(probes=[LONG_PROBE])
    worked(loop, meanwhile(probing(scene, key), leaving.set))
    assert [each.state for each in asked(scene, key)] == ["queued"]
    assert scene.state(key) == "running"


def test_a_probe_that_takes_longer_than_the_budget_fails_with_the_reason_timeout(scene: Scene, loop: Loop) -> None:
    key = scene.submit(probes=[LONG_PROBE], limits={"max_seconds": 2})
    worked(loop, meanwhile(probing(scene, key), lambda: None))
    assert [(each.state, each.reason) for each in asked(scene, key)] == [("failed", "timeout")]
