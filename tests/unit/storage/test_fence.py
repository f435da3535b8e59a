"""The fence: a worker that lost its lease writes nothing, whatever it tries."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from service.operations import claiming, finish_runs, patrol, work
from service.operations.claiming import ClaimedRuns
from service.operations.finish_runs import TrainedStack
from service.operations.work import Order
from service.queue_names import Queue
from service.storage import lost_leases
from service.storage.leases import Helping
from service.storage.states import Reason, RunState
from service.storage.tables import metadata, stacks
from tests.scenes import Scene, outcome


def tell(scene: Scene, zombie: ClaimedRuns) -> None:
    assert scene.tell(zombie, epoch=1, train_loss=666) is Order.STOP


def keep(scene: Scene, zombie: ClaimedRuns) -> None:
    assert scene.keep(zombie, epoch=1, train_loss=666) is Order.STOP


def finish(scene: Scene, zombie: ClaimedRuns) -> None:
    scene.finish(zombie, weight=lambda repeat: 666.0, test_accuracy=0.0)


def give_back(scene: Scene, zombie: ClaimedRuns) -> None:
    scene.give_back(zombie)


def cancel(scene: Scene, zombie: ClaimedRuns) -> None:
    finish_runs.end(scene.context, zombie, RunState.CANCELLED)


def fail(scene: Scene, zombie: ClaimedRuns) -> None:
    finish_runs.end(scene.context, zombie, RunState.FAILED, Reason.ERROR, "the zombie's")


def beat(scene: Scene, zombie: ClaimedRuns) -> None:
    assert not work.beat(scene.context, zombie.lease)


@pytest.mark.parametrize("deed", [tell, keep, finish, give_back, cancel, fail, beat])
@pytest.mark.parametrize("meanwhile", ["requeued", "claimed by another", "finished by another"])
def test_a_worker_that_lost_its_lease_writes_nothing(scene: Scene, deed: Any, meanwhile: str) -> None:
    scene.submit()
    zombie = scene.claim("zombie")
    with scene.context.database.writing() as connection:
        lost_leases.lose(connection, zombie.lease, 3, "zombie")
    if meanwhile != "requeued":
        other = scene.claim("other")
        if meanwhile == "finished by another":
            scene.finish(other)
    before = everything(scene)
    deed(scene, zombie)
    assert everything(scene) == before


def test_what_is_still_held_of_a_claim_is_written(scene: Scene) -> None:
    """A worker that lost one of the two stacks that it claimed together hands in the other one."""
    key = scene.submit(lengths=[2, 3])
    lost, kept = claiming.claim_several(scene.context, "worker", [Queue.CPU], Helping(2, 1e9))
    with scene.context.database.writing() as connection:
        connection.execute(update(stacks).where(stacks.c.key == lost.stack).values(lease_until=0))
    patrol.walk(scene.context, "patrol")
    assert scene.keep(lost, epoch=1) is Order.STOP
    assert scene.keep(kept, epoch=1) is Order.GO_ON
    outcomes = {repeat: outcome() for repeat in kept.runs}
    together = [TrainedStack(each, outcomes, 1.0, {}, "fused") for each in (lost, kept)]
    finish_runs.hand_in(scene.context, together)
    assert scene.counts(key) == {"queued": 2, "succeeded": 2}


def everything(scene: Scene) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with scene.context.database.reading() as connection:
        return {
            name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for name, table in metadata.tables.items()
        }
