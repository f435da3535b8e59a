"""The fence: a worker that lost its lease writes nothing, whatever it tries."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from service.operations import finish_runs, work
from service.operations.work import ClaimedRuns, Order
from service.storage import lost_leases
from service.storage.states import Reason, RunState
from service.storage.tables import metadata, runs
from tests.scenes import Scene


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
    key = scene.submit()
    zombie = scene.claim("zombie")
    with scene.context.database.writing() as connection:
        lost_leases.lose_held_by(connection, key, 3, "zombie")
    if meanwhile != "requeued":
        other = scene.claim("other")
        if meanwhile == "finished by another":
            scene.finish(other)
    before = everything(scene)
    deed(scene, zombie)
    assert everything(scene) == before


def test_what_is_still_held_of_a_claim_is_written(scene: Scene) -> None:
    """A slice stored by a worker that lost one of its two runs keeps the other one."""
    key = scene.submit()
    claimed = scene.claim()
    with scene.context.database.writing() as connection:
        connection.execute(update(runs).where(runs.c.key == claimed.runs[0]).values(lease_until=0))
        lost_leases.lose_lapsed(connection, key, 3)
    assert scene.keep(claimed, epoch=1) is Order.GO_ON
    scene.finish(claimed)
    assert scene.counts(key) == {"queued": 1, "succeeded": 1}


def everything(scene: Scene) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with scene.context.database.reading() as connection:
        return {
            name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for name, table in metadata.tables.items()
        }
