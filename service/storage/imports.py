"""SQL over imported models: an experiment of one run that has ended before it began, with its checkpoint."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, insert

from service.queue_names import Queue
from service.storage import checkpoints, events, tallies
from service.storage.checkpoints import NewCheckpoint
from service.storage.clock import now
from service.storage.contents import Content
from service.storage.states import ExperimentState, RunState
from service.storage.tables import experiments, runs

ENGINE = "imported"
IMPORTED = "imported"
KIND: Literal["best"] = "best"
"""what retention keeps longest"""


@dataclass(frozen=True)
class NewImport:
    """A model as it is stored.

    Attributes:
        kinds: words by which lists are filtered.
        metrics: of the model on sequences of its task.
        counts: of runs, as those of an experiment that has ended.
    """

    name: str
    spec: dict[str, Any]
    kinds: str
    seed: int
    metrics: dict[str, float | str]
    counts: dict[str, Any]
    weights: Content
    owner: str | None
    request_id: str | None


def add(connection: Connection, new: NewImport) -> int:
    """Store a model; the key of its checkpoint."""
    experiment = _experiment(connection, new)
    values = {
        "experiment_key": experiment,
        "condition": 0,
        "repeat": 0,
        "seed": new.seed,
        "engine": ENGINE,
        "width": 1,
        "queue": Queue.CPU,
        "state": RunState.SUCCEEDED,
        "epochs_done": 1.0,
        "seconds": 0.0,
        "metrics": new.metrics,
        "started_at": now(),
        "finished_at": now(),
    }
    run = int(connection.execute(insert(runs).values(**values).returning(runs.c.key)).scalar_one())
    checkpoints.store_blobs(connection, [new.weights])
    checkpoints.add(connection, [NewCheckpoint(run, KIND, 1, new.weights.sha256)])
    tallies.add(connection, experiment, [tallies.Change(Queue.CPU, ENGINE, succeeded=1, epochs=1.0)])
    events.append(connection, experiment, ("state", {"state": ExperimentState.SUCCEEDED}))
    return checkpoints.of_run(connection, run)[0].key


def _experiment(connection: Connection, new: NewImport) -> int:
    values = {
        "name": new.name,
        "spec": new.spec,
        "state": ExperimentState.SUCCEEDED,
        "priority": 0,
        "kinds": new.kinds,
        "owner": new.owner,
        "request_id": new.request_id,
        "runs": 1,
        "counts": new.counts,
        "origin": IMPORTED,
        "created_at": now(),
        "started_at": now(),
        "finished_at": now(),
    }
    return int(connection.execute(insert(experiments).values(**values).returning(experiments.c.key)).scalar_one())
