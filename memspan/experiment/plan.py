"""The plan of an experiment: what it would train and roughly for how long, before anything is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from memspan.engine.population import Condition
from memspan.experiment.cost import BASIS, epoch_seconds, populations
from memspan.experiment.grid import conditions, lengths_of
from memspan.experiment.spec import ExperimentSpec
from memspan.parts.network import Network


@dataclass(frozen=True)
class Plan:
    """What an experiment amounts to.

    Attributes:
        parameters: trainable numbers of each model, by its position in the spec: (least, most) over the lengths.
        estimated_seconds: wall time with ``workers`` workers.
    """

    conditions: int
    runs: int
    populations: int
    parameters: tuple[dict[str, Any], ...]
    warnings: tuple[dict[str, str], ...]
    estimated_seconds: float
    workers: int
    basis: str = BASIS


def plan(spec: ExperimentSpec, workers: int = 1) -> Plan:
    """Work out a sound spec's plan."""
    grid = [(condition, condition.network()) for condition in conditions(spec)]
    counts = [populations(condition, network, spec.repeats) for condition, network in grid]
    epochs = spec.training.epochs
    seconds = [epoch_seconds(c, n) * epochs * count for (c, n), count in zip(grid, counts, strict=True)]
    return Plan(
        conditions=len(grid),
        runs=len(grid) * spec.repeats,
        populations=sum(counts),
        parameters=tuple(_parameters(spec, index, grid) for index in range(len(spec.models))),
        warnings=tuple(_warnings(spec, grid)),
        estimated_seconds=max(sum(seconds) / max(workers, 1), max(seconds)),
        workers=max(workers, 1),
    )


def _parameters(spec: ExperimentSpec, index: int, grid: list[tuple[Condition, Network]]) -> dict[str, Any]:
    model = spec.models[index]
    counts = [network.parameters for condition, network in grid if condition.model == model]
    return {"pointer": f"#/models/{index}", "kind": model.kind, "least": min(counts), "most": max(counts)}


def _warnings(spec: ExperimentSpec, grid: list[tuple[Condition, Network]]) -> list[dict[str, str]]:
    """What is allowed and probably not meant."""
    found = []
    for index, model in enumerate(spec.models):
        short = [
            (condition.steps, network.receptive_field)
            for condition, network in grid
            if condition.model == model
            and network.receptive_field is not None
            and network.receptive_field < condition.steps
        ]
        if short:
            length, field = max(short)
            message = f"Its receptive field of {field} steps is shorter than length {length}: it can't see the start."
            found.append({"pointer": f"#/models/{index}", "code": "receptive_field", "message": message})
    if spec.repeats < 5:
        message = f"{spec.repeats} repeats give wide intervals; 10 or more tell models apart."
        found.append({"pointer": "#/repeats", "code": "few_repeats", "message": message})
    if lengths_of(spec) and len(lengths_of(spec)) < 3:
        message = "A memory span needs several lengths around the point where the model fails."
        found.append({"pointer": "#/lengths", "code": "few_lengths", "message": message})
    return found
