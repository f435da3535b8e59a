"""Workers: who works on what is told by the rows they hold."""

from __future__ import annotations

from service.operations import health
from service.queue_names import Queue
from service.storage import workers
from service.storage.workers import Identity
from tests.scenes import Scene

ADA = Identity("ada", "p", "h", 1, (Queue.CPU, Queue.PROBE), "cpu", 2**33)


def held(scene: Scene) -> tuple[str, int | None]:
    (worker,) = health.known_workers(scene.context)
    return health.state(worker), worker.held


def test_a_worker_is_busy_with_the_experiment_whose_rows_it_holds_and_with_no_other(scene: Scene) -> None:
    with scene.context.database.writing() as connection:
        workers.register(connection, ADA)
    first, second = scene.submit(), scene.submit(seed=2)
    assert held(scene) == ("idle", None)
    theirs, mine = scene.claim("somebody else"), scene.claim("ada")
    assert {theirs.experiment, mine.experiment} == {first, second}
    assert held(scene) == ("busy", mine.experiment)
    scene.finish(mine)
    assert held(scene) == ("idle", None)
