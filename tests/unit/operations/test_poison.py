"""Poison: a run that takes its worker down takes no other with it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.operations import claiming, finish_runs, patrol, runs
from service.operations.claiming import ClaimedRuns
from service.operations.finish_runs import TrainedStack
from service.operations.splitting import give_back_in_halves
from service.queue_names import Queue
from service.storage import checkpoints, conditions, stacks, tallies
from service.storage.leases import Helping
from service.storage.states import Reason, RunState
from tests.faults.disturbance import numbers_of
from tests.processes import MemspanProcess
from tests.scenes import SMALLEST, Scene, outcome
from tests.waiting import until
from workers.identity import PARENT_VARIABLE

FATAL = {**SMALLEST, "repeats": 3, "lengths": [2, 3], "training": {**SMALLEST["training"], "epochs": 3}}
POISON = (3, 1)
"""the length and the repeat of the run that takes every worker down"""
PARENT = "poisoned"


def sound(scene: Scene) -> bool:
    with scene.context.database.reading() as connection:
        return tallies.wrong(connection) == conditions.wrong(connection) == stacks.wrong(connection) == []


def hand_in(scene: Scene, claimed: list[ClaimedRuns]) -> None:
    finish_runs.hand_in(
        scene.context,
        [TrainedStack(each, {repeat: outcome(repeat) for repeat in each.runs}, 1.0, {}, "fused") for each in claimed],
    )


@pytest.mark.parametrize("together", [1, 4])
def test_a_poison_run_fails_alone_and_all_others_finish(scene: Scene, together: int) -> None:
    key = scene.submit(repeats=13, lengths=[2, 3], probes=[{"kind": "change", "index": 0}])
    poison, deaths = (0, 5), 0
    while claimed := claiming.claim_several(scene.context, f"worker-{deaths}", [Queue.CPU], Helping(together, 1e9)):
        assert sound(scene)
        if any((each.position, repeat) == poison for each in claimed for repeat in each.runs):
            patrol.take_back(scene.context, f"worker-{deaths}")
            deaths += 1
        else:
            hand_in(scene, list(claimed))
    assert sound(scene)
    assert scene.counts(key) == {"succeeded": 25, "failed": 1}
    assert deaths <= 10


def test_a_stack_that_got_somewhere_is_not_divided(scene: Scene) -> None:
    scene.submit(repeats=4)
    for number in range(4):
        claimed = scene.claim(f"worker-{number}")
        assert len(claimed.runs) == 4
        scene.keep(claimed, epoch=0, step=number + 1)
        patrol.take_back(scene.context, f"worker-{number}")


def test_what_is_too_much_for_a_worker_together_is_tried_in_halves(scene: Scene) -> None:
    key = scene.submit(repeats=3)
    sizes = []
    while (claimed := scene.try_claim()) is not None:
        sizes.append(len(claimed.runs))
        if 1 not in claimed.runs:
            scene.finish(claimed)
        elif not give_back_in_halves(scene.context, claimed):
            finish_runs.end(scene.context, claimed, RunState.FAILED, Reason.OUT_OF_MEMORY, "alone")
        assert sound(scene)
    assert sorted(sizes) == [1, 1, 1, 2, 3]
    assert scene.counts(key) == {"succeeded": 2, "failed": 1}


def test_short_stacks_are_claimed_together_and_handed_in_in_one_unit_of_work(scene: Scene) -> None:
    first, second = scene.submit(lengths=[2, 3, 4]), scene.submit()
    claimed = claiming.claim_several(scene.context, "worker", [Queue.CPU], Helping(8, 1e9))
    assert len({each.lease for each in claimed}) == 1
    assert sorted(each.experiment for each in claimed) == [first] * 3 + [second]
    hand_in(scene, list(claimed))
    assert (scene.state(first), scene.state(second)) == ("succeeded", "succeeded")
    assert sound(scene)


def test_no_more_is_claimed_than_is_done_in_the_time(scene: Scene) -> None:
    scene.submit(lengths=[2, 3, 4])
    (alone,) = claiming.claim_several(scene.context, "worker", [Queue.CPU], Helping(8, 0.0))
    assert alone.condition.length == 4


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_mates_of_a_run_that_takes_its_workers_down_measure_what_they_measure_undisturbed(
    scene: Scene, database_url: str, tmp_path: Path
) -> None:
    """Real processes: each is killed in the middle of a stack, and those who come later go on from stored slices."""
    key = scene.submit(**{name: FATAL[name] for name in ("repeats", "lengths", "training")})
    dead: list[str] = []

    def over() -> bool:
        dead.extend(patrol.reap(scene.context, PARENT))
        return scene.state(key) in ("partial", "succeeded", "failed")

    with poisoned_workers(tmp_path, database_url):
        until(over, 200, "the experiment to end")
    assert 3 <= len(dead) <= 7
    assert sound(scene)
    found, expected = measured(scene, key), dict(zip(places(), numbers_of(FATAL), strict=True))
    assert found.pop(POISON) == (RunState.FAILED, Reason.WORKER_LOST)
    assert expected.pop(POISON)
    assert found == expected


@contextlib.contextmanager
def poisoned_workers(home: Path, database_url: str) -> Iterator[None]:
    """Worker processes one after the other; they leave when their standard input ends."""
    inherited = MemspanProcess(home, "worker").environment  # and the key of compiled loops
    told = {"MEMSPAN_DATABASE_URL": database_url, "MEMSPAN_SLICE_SECONDS": "0.001", "MEMSPAN_LEASE_SECONDS": "60"}
    told |= {"POISON": ":".join(map(str, POISON)), PARENT_VARIABLE: PARENT}
    command = [sys.executable, "-m", "tests.poisoned_worker", "--queue", "cpu"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env={**inherited, **told}):
        yield


def places() -> list[tuple[int, int]]:
    return [(length, repeat) for length in FATAL["lengths"] for repeat in range(FATAL["repeats"])]


def measured(scene: Scene, key: int) -> dict[tuple[int, int], Any]:
    """For each run, by length and repeat: all that it measured, in the form of ``numbers_of``, or why it failed."""
    listed, grid = runs.listing(scene.context, key, None, 100, None)
    return {(grid[row.condition].length or 0, row.repeat): numbers(scene, row.key) for row in listed}


def numbers(scene: Scene, run: int) -> Any:
    row, _, kept = runs.look(scene.context, run)
    if row.state is not RunState.SUCCEEDED:
        return row.state, row.reason
    series = [vars(point) for point in runs.metrics_of(scene.context, run, None)]
    with scene.context.database.reading() as connection:
        weights = [checkpoints.get(connection, each.key) for each in kept]
    return {
        "seed": row.seed,
        "metrics": row.metrics,
        "series": series,
        "weights": [each.sha256 for each in weights if each is not None],
    }
