"""Queueing: the rows of runs, with what decides where and beside whom they are trained."""

from collections.abc import Iterable

from memspan.engine.choice import choose
from memspan.engine.population import Condition
from memspan.experiment.cost import epoch_seconds
from memspan.experiment.grid import conditions
from memspan.experiment.rounds import Batch
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.network import Network
from service.queue_names import Queue
from service.storage.runs import NewRun

GPU_PARAMETERS = 20_000
"""a network below that is faster on a CPU, whatever the GPU"""


def run_rows(spec: ExperimentSpec, batches: Iterable[Batch], gpu: bool, number: int = 1) -> list[NewRun]:
    """A row for each run of round ``number``; ``gpu`` says whether a GPU worker is there."""
    grid = conditions(spec)
    return [row for batch in batches for row in _of_condition(spec, batch, grid[batch.position], gpu, number)]


def _of_condition(spec: ExperimentSpec, batch: Batch, condition: Condition, gpu: bool, number: int) -> list[NewRun]:
    network = condition.network()
    queue = _queue(spec, network, gpu)
    chosen = choose(condition, network, "cuda" if queue is Queue.GPU else "cpu")
    cost = epoch_seconds(condition, network) * spec.training.epochs
    return [
        NewRun(
            condition=batch.position,
            repeat=repeat,
            round=number,
            seed=condition.run_seed(repeat),
            engine=chosen.name,
            width=chosen.width,
            stack=repeat // chosen.width,
            queue=queue,
            cost=cost,
        )
        for repeat in batch.repeats
    ]


def _queue(spec: ExperimentSpec, network: Network, gpu: bool) -> Queue:
    """Where a run waits: what was asked for; of itself a GPU only for a large network while a GPU worker is there."""
    if spec.device != "auto":
        return Queue(spec.device)
    return Queue.GPU if gpu and network.parameters >= GPU_PARAMETERS else Queue.CPU
