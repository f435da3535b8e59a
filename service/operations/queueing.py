"""Queueing: the rows of runs, with what decides where and beside whom they are trained."""

from collections.abc import Iterable
from typing import Any

from memspan.engine.choice import choose
from memspan.engine.population import Condition
from memspan.experiment.cost import epoch_seconds
from memspan.experiment.grid import conditions
from memspan.experiment.rounds import Batch
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.network import Network
from service.storage.states import RunState

GPU_PARAMETERS = 20_000
"""a network below that is faster on a CPU, whatever the GPU"""


def run_rows(spec: ExperimentSpec, batches: Iterable[Batch], gpu: bool, number: int = 1) -> list[dict[str, Any]]:
    """A row for each run of round ``number``; ``gpu`` says whether a GPU worker is there."""
    grid = conditions(spec)
    return [row for batch in batches for row in _of_condition(spec, batch, grid[batch.position], gpu, number)]


def _of_condition(
    spec: ExperimentSpec, batch: Batch, condition: Condition, gpu: bool, number: int
) -> list[dict[str, Any]]:
    network = condition.network()
    queue = _queue(spec, network, gpu)
    chosen = choose(condition, network, "cuda" if queue == "gpu" else "cpu")
    cost = epoch_seconds(condition, network) * spec.training.epochs
    return [
        {
            "condition": batch.position,
            "repeat": repeat,
            "round": number,
            "seed": condition.run_seed(repeat),
            "engine": chosen.name,
            "width": chosen.width,
            "stack": repeat // chosen.width,
            "queue": queue,
            "cost": cost,
            "state": RunState.QUEUED,
        }
        for repeat in batch.repeats
    ]


def _queue(spec: ExperimentSpec, network: Network, gpu: bool) -> str:
    """Where a run waits: what was asked for; of itself a GPU only for a large network while a GPU worker is there."""
    if spec.device != "auto":
        return spec.device
    return "gpu" if gpu and network.parameters >= GPU_PARAMETERS else "cpu"
