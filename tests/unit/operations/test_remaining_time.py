"""Remaining time: who is there, how fast they are, and what is left."""

from __future__ import annotations

from typing import Any

import pytest

from memspan.experiment.fleet import Fleet
from service.operations import experiments, remaining_time
from service.queue_names import Queue
from service.storage import paces, workers
from service.storage.database import Database
from service.storage.workers import Identity
from tests.scenes import Scene, context_over

LONG: dict[str, Any] = {
    "lengths": [20],
    "repeats": 40,
    "training": {"epochs": 4, "train_size": 1_000_000, "batch_size": 4},
}


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(context_over(database))


def employ(scene: Scene, name: str, host: str = "here", device: str = "cpu") -> None:
    queues = (Queue.CPU, Queue.PROBE) if device == "cpu" else (Queue.GPU,)
    with scene.context.database.writing() as connection:
        workers.register(connection, Identity(name, name, host, 1, queues, device, 2**33))


def measure(scene: Scene, host: str, **ratios: float) -> None:
    """Much work of each kind that took so many times as long as the model says."""
    with scene.context.database.writing() as connection:
        paces.note(connection, host, {work: (1e4, 1e4 * ratio) for work, ratio in ratios.items()})  # type: ignore[misc]


def left(scene: Scene, key: int) -> float | None:
    return experiments.look(scene.context, key).eta_seconds


def test_without_workers_a_plan_is_made_for_one(scene: Scene) -> None:
    found = remaining_time.fleet_now(scene.context)
    assert found == Fleet(0, 0, {})
    assert (found.hands("cpu"), found.hands("gpu"), found.seconds("torch", 2.0)) == (1, 1, 2.0)


def test_a_fleet_is_as_fast_as_its_machines_were_seen_to_be(scene: Scene) -> None:
    for name, host in (("a", "here"), ("b", "here"), ("c", "there"), ("d", "there")):
        employ(scene, name, host)
    employ(scene, "e", "there", "cuda")
    measure(scene, "here", fused=1.0)
    measure(scene, "there", fused=3.0, torch=2.0)
    measure(scene, "gone", fused=100.0)
    found = remaining_time.fleet_now(scene.context)
    assert (found.workers, found.gpu_workers) == (4, 1)
    assert found.pace["fused"] == pytest.approx(4 / (2 / 1 + 2 / 3), rel=1e-3)
    assert found.pace["torch"] == pytest.approx(4 / (2 / 1 + 2 / 2), rel=1e-3)


def test_a_gpu_s_pace_is_that_of_who_has_one(scene: Scene) -> None:
    for number in range(8):
        employ(scene, f"cpu-{number}")
    employ(scene, "gpu", "there", "cuda")
    measure(scene, "there", gpu=4.0)
    assert remaining_time.fleet_now(scene.context).pace["gpu"] == pytest.approx(4.0, rel=1e-3)


def test_no_second_worker_shortens_the_last_stack(scene: Scene) -> None:
    key = scene.submit(**{**LONG, "repeats": 1})
    scene.claim()
    alone = left(scene, key)
    for number in range(8):
        employ(scene, f"worker-{number}")
    assert alone is not None
    assert left(scene, key) == pytest.approx(alone, rel=0.01)


def test_what_was_seen_for_a_moment_is_not_believed_yet(scene: Scene) -> None:
    employ(scene, "a")
    with scene.context.database.writing() as connection:
        paces.note(connection, "here", {"torch": (0.01, 1.0)})
    assert remaining_time.fleet_now(scene.context).pace["torch"] < 1.25


def test_what_is_left_falls_with_every_stack_and_tells_nothing_before_the_first_claim(scene: Scene) -> None:
    key = scene.submit(**LONG)
    assert left(scene, key) is None
    seen = []
    while (claimed := scene.try_claim()) is not None:
        seen.append(left(scene, key))
        scene.tell(claimed, 2)
        seen.append(left(scene, key))
        scene.finish(claimed)
    numbers = [each for each in seen if each is not None]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] > 0
    assert left(scene, key) is None


def test_two_workers_need_half_as_long_and_slow_ones_longer(scene: Scene) -> None:
    key = scene.submit(**LONG)
    scene.claim()
    alone = left(scene, key)
    employ(scene, "a")
    employ(scene, "b")
    assert alone is not None
    assert left(scene, key) == pytest.approx(alone / 2, rel=0.01)
    measure(scene, "here", fused=3.0, torch=3.0)
    assert left(scene, key) == pytest.approx(1.5 * alone, rel=0.01)


def test_the_pace_of_the_experiment_s_own_runs_counts(scene: Scene) -> None:
    """Each stack takes a second where the model says less than a third of one."""
    key = scene.submit(**{**LONG, "repeats": 320, "training": {**LONG["training"], "train_size": 100_000}})
    claimed = scene.claim()
    before, total = left(scene, key), 320
    while total > 80:
        scene.finish(claimed)
        total -= len(claimed.runs)
        claimed = scene.claim()
    now = left(scene, key)
    assert before is not None
    assert now is not None
    assert now > 1.5 * before * total / 320


def test_others_of_equal_priority_delay_an_experiment_by_as_much_as_it_takes_itself(scene: Scene) -> None:
    key = scene.submit(**LONG)
    scene.claim()
    alone = left(scene, key)
    assert alone is not None
    scene.submit(name="small", lengths=[2], repeats=1)
    assert left(scene, key) == pytest.approx(alone, rel=0.01)
    scene.submit(**{**LONG, "repeats": 80, "name": "large"})
    assert left(scene, key) == pytest.approx(2 * alone, rel=0.01)
    scene.submit(**{**LONG, "repeats": 80, "name": "urgent", "priority": 5})
    assert left(scene, key) == pytest.approx(4 * alone, rel=0.01)
    scene.submit(**{**LONG, "name": "patient", "priority": -5})
    assert left(scene, key) == pytest.approx(4 * alone, rel=0.01)


def test_the_answers_to_probes_are_left_too(scene: Scene) -> None:
    key = scene.submit(**LONG)
    asked = scene.submit(**LONG, probes=[{"kind": "occlusion", "sequences": 10_000}])
    with scene.context.database.reading() as connection:
        plain, probing = (experiments.found(connection, each) for each in (key, asked))
    assert (plain.probe_seconds, probing.probe_seconds > 0) == (0.0, True)
