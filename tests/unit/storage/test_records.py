"""Records: what storage hands out is what its types say, on both databases."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter, ValidationError

from memspan.experiment.fleet import Fleet
from memspan.probes.change import Change
from service.operations import probes as probe_operations
from service.operations.probes import Where
from service.operations.submission import insert, prepare
from service.queue_names import Queue
from service.storage import (
    checkpoints,
    depths,
    events,
    experiments,
    failures,
    metrics,
    probes,
    runs,
    stacks,
    studies,
    workers,
)
from service.storage.experiments import Filter, StudyPlace
from service.storage.states import ExperimentState, Reason, RunState
from service.storage.workers import Identity
from tests.scenes import Scene, spec


@pytest.fixture
def full(scene: Scene) -> tuple[Scene, int]:
    """An experiment of a study with a finished and a failed condition, a probe, a worker; and one that waits."""
    with scene.context.database.writing() as connection:
        place = StudyPlace("latch", "quick", "part")
        key = insert(connection, prepare(Fleet(), spec(lengths=[2, 3]), "a key", place))
        workers.register(connection, Identity("ada", "parent", "host", 1, (Queue.CPU, Queue.PROBE), "cpu", 2**33))
    for _ in range(2):
        claimed = scene.claim("ada")
        scene.tell(claimed, 1, train_loss=float("nan"))
        if claimed.position == 0:
            scene.finish(claimed)
        else:
            scene.fail(claimed, Reason.ERROR, "It broke.")
    probe_operations.ask_experiment(scene.context, key, Change(index=0), Where(lengths=(2,)), "best")
    scene.submit()
    return scene, key


def well_typed(record: Any) -> bool:
    """Whether every field of a record holds a value of its very type: nothing is converted."""
    hints = get_type_hints(type(record))
    try:
        for name, hint in hints.items():
            TypeAdapter(hint).validate_python(getattr(record, name), strict=True)
    except ValidationError:
        return False
    return True


def test_every_record_holds_what_its_type_says(full: tuple[Scene, int]) -> None:
    scene, key = full
    waiting = scene.submit()
    with scene.context.database.writing() as connection:
        (probe,) = probes.page(connection, None, 9, experiment=key)
        (run, *_) = listed = runs.page(connection, key, None, 9, None)
        kept = checkpoints.of_run(connection, run.key)
        found = [
            *experiments.page(connection, Filter(), None, 9),
            experiments.with_idempotency_key(connection, "a key"),
            *studies.newest(connection),
            *studies.groups(connection, "latch", 9),
            *listed,
            runs.get(connection, run.key),
            *runs.for_results(connection, key),
            *stacks.lock_waiting(connection, waiting, 9),
            *experiments.to_serve(connection, [waiting]).values(),
            *kept,
            checkpoints.get(connection, kept[0].key),
            probe,
            probes.get(connection, probe.key),
            *workers.known(connection),
            *workers.children(connection, "parent"),
            *events.after(connection, key, 0, 9),
            *failures.of_runs(connection, key),
            *depths.of_queues(connection),
            *metrics.of_run(connection, run.key),
        ]
    assert len({type(record) for record in found}) == 19
    assert [record for record in found if not well_typed(record)] == []


def test_states_reasons_and_queues_are_enums_again(full: tuple[Scene, int]) -> None:
    scene, key = full
    with scene.context.database.reading() as connection:
        experiment = experiments.get(connection, key)
        failed = runs.page(connection, key, None, 9, RunState.FAILED)
        (worker,) = workers.known(connection)
    assert experiment is not None
    assert experiment.state is ExperimentState.PARTIAL
    assert {(run.state, run.reason, run.queue) for run in failed} == {(RunState.FAILED, Reason.ERROR, Queue.CPU)}
    assert failed[0].reason is Reason.ERROR
    assert failed[0].queue is Queue.CPU
    assert worker.queues == (Queue.CPU, Queue.PROBE)


def test_records_are_frozen(full: tuple[Scene, int]) -> None:
    scene, key = full
    with scene.context.database.reading() as connection:
        experiment = experiments.get(connection, key)
    with pytest.raises(AttributeError, match="cannot assign"):
        experiment.state = ExperimentState.FAILED  # type: ignore[union-attr,misc]
