"""The plan of an experiment: what it would train and roughly for how long, before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from memspan.engine.population import Condition
from memspan.experiment.cost import BASIS, populations, total_seconds
from memspan.experiment.grid import conditions, lengths_of
from memspan.experiment.spec import ExperimentSpec
from memspan.parts.model import ModelSpec
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
    grid = _built(spec)
    whole = [pair for built in grid for pair in built]
    counts = [populations(condition, network, spec.repeats) for condition, network in whole]
    seconds = [total_seconds(condition, network, spec.repeats) for condition, network in whole]
    return Plan(
        conditions=len(whole),
        runs=len(whole) * spec.repeats,
        populations=sum(counts),
        parameters=tuple(_parameters(spec, index, built) for index, built in enumerate(grid)),
        warnings=tuple(_warnings(spec, grid)),
        estimated_seconds=max(sum(seconds) / max(workers, 1), max(seconds)),
        workers=max(workers, 1),
    )


Built = Sequence[tuple[Condition, Network]]
"""The conditions of one model with their networks."""


def _built(spec: ExperimentSpec) -> list[Built]:
    """All conditions with their networks, by the position of their model in the spec."""
    found: dict[ModelSpec, list[tuple[Condition, Network]]] = {model: [] for model in spec.models}
    for condition in conditions(spec):
        found[condition.model].append((condition, condition.network()))
    return list(found.values())


def _parameters(spec: ExperimentSpec, index: int, built: Built) -> dict[str, Any]:
    counts = [network.parameters for _, network in built]
    kind = spec.models[index].kind
    return {"pointer": f"#/models/{index}", "kind": kind, "least": min(counts), "most": max(counts)}


def _warnings(spec: ExperimentSpec, grid: Sequence[Built]) -> Iterator[dict[str, str]]:
    """What is allowed and probably not meant."""
    for index, built in enumerate(grid):
        length, field = max(
            ((c.signature.length, n.receptive_field) for c, n in built if _short_sighted(c, n)), default=(0, 0)
        )
        if length:
            message = (
                f"Its receptive field of {field} steps is shorter than length {length}: it can't see all it needs."
            )
            yield {"pointer": f"#/models/{index}", "code": "receptive_field", "message": message}
    if spec.repeats < 5:
        message = f"{spec.repeats} repeats give wide intervals; 10 or more tell models apart."
        yield {"pointer": "#/repeats", "code": "few_repeats", "message": message}
    if lengths_of(spec) and len(lengths_of(spec)) < 3:
        message = "A memory span needs several lengths around the point where the model fails."
        yield {"pointer": "#/lengths", "code": "few_lengths", "message": message}


def _short_sighted(condition: Condition, network: Network) -> bool:
    """Whether the answer can't depend on the first step that it should."""
    field, needed = network.receptive_field, condition.task.relevant_steps(condition.extent)
    return field is not None and bool(needed) and field < condition.signature.length - min(needed)
