"""A crowd at one PostgreSQL: whoever claims, ends, gives back, cancels and tells at once, nobody waits in a circle."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import pytest

from service.errors import Problem
from service.operations import claiming, experiments, finish_runs, lost_work, telling
from service.queue_names import Queue
from service.storage import conditions, stacks, tallies
from service.storage.database import Database
from service.storage.leases import Helping
from service.storage.states import Reason, RunState
from tests.conftest import TEMPLATE
from tests.scenes import Scene, context_over, outcome
from tests.servers import PostgresServer

CLAIMERS = 200
SECONDS = 6.0
PROBES = [{"kind": "change", "index": 0, "percent": 50}]


@pytest.fixture
def crowded(postgres: PostgresServer) -> Iterator[Scene]:
    """A scene on PostgreSQL with experiments that all claim from, of which some have probes."""
    name = f"t{uuid4().hex}"
    database = Database(postgres.create(name, TEMPLATE))
    scene = Scene(context_over(database, lease_seconds=60))
    for number in range(6):
        scene.submit(lengths=list(range(2, 42)), repeats=40, probes=PROBES if number % 2 else [])
    yield scene
    database.close()
    postgres.drop(name)


def deadlocks(postgres: PostgresServer) -> int:
    with postgres.connect() as connection:
        found = connection.execute("SELECT sum(deadlocks) FROM pg_stat_database").fetchone()
    assert found is not None
    return int(found[0])


def test_two_hundred_claimers_never_wait_in_a_circle(crowded: Scene, postgres: PostgresServer) -> None:
    before, until = deadlocks(postgres), time.monotonic() + SECONDS
    with ThreadPoolExecutor(CLAIMERS) as pool:
        chances = [random.Random(seed) for seed in range(CLAIMERS)]  # noqa: S311 - what each does must be repeatable
        busy = [pool.submit(_one, crowded, chance, until) for chance in chances]
        done = sum(each.result(timeout=120) for each in busy)
    assert done > 0
    assert deadlocks(postgres) == before
    with crowded.context.database.reading() as connection:
        assert tallies.wrong(connection) == conditions.wrong(connection) == stacks.wrong(connection) == []


def _one(scene: Scene, chance: random.Random, until: float) -> int:
    """What one of the crowd does; stacks that it had."""
    done, name = 0, f"worker-{chance.random()}"
    while time.monotonic() < until:
        if chance.random() < 0.05:
            _meddle(scene, chance)
        claimed = claiming.claim_several(scene.context, name, [Queue.CPU], Helping(chance.choice([1, 3, 8]), 1e9))
        if not claimed:
            break
        done += len(claimed)
        if chance.random() < 0.3:
            scene.tell(claimed[0])
        elif chance.random() < 0.3:
            scene.keep(claimed[0])
        chance.choice(ENDS)(scene, claimed)
    return done


def _meddle(scene: Scene, chance: random.Random) -> None:
    """What others do meanwhile to experiments."""
    key = chance.randint(1, 6)
    deeds: Sequence[Callable[[], object]] = [
        partial(experiments.pause, scene.context, key),
        partial(experiments.resume, scene.context, key),
        partial(experiments.cancel, scene.context, 1),
        partial(telling.tell, scene.context, key),
        partial(lost_work.take_back_lapsed, scene.context),
        partial(experiments.look, scene.context, key),
    ]
    try:
        chance.choice(deeds)()
    except Problem:
        return  # it stands elsewhere


def _hand_in(scene: Scene, claimed: Sequence[claiming.ClaimedRuns]) -> None:
    trained = [
        finish_runs.TrainedStack(each, {repeat: outcome(float(repeat)) for repeat in each.runs}, 0.3, {}, "fused")
        for each in claimed
    ]
    finish_runs.hand_in(scene.context, trained)


def _give_back(scene: Scene, claimed: Sequence[claiming.ClaimedRuns]) -> None:
    for each in claimed:
        scene.give_back(each)


def _fail(scene: Scene, claimed: Sequence[claiming.ClaimedRuns]) -> None:
    for each in claimed:
        finish_runs.end(scene.context, each, RunState.FAILED, Reason.ERROR, "It was to be.")


ENDS = (_hand_in, _hand_in, _hand_in, _give_back, _fail)
