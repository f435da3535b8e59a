"""The plan of an experiment: what it would train and roughly for how long, before anything is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from memspan.engine.population import Condition
from memspan.experiment.cost import BASIS, populations, total_seconds
from memspan.experiment.grid import conditions, lengths_of
from memspan.experiment.line import Line, is_search, lines
from memspan.experiment.search import longest
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network

SEARCHED = "a search as if it took all its runs, at lengths spread evenly over its range"


@dataclass(frozen=True)
class Plan:
    """What an experiment amounts to.

    Attributes:
        at_most: whether conditions, runs and populations are the most that a length search may take, round by round.
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
    at_most: bool = False
    basis: str = BASIS


def plan(spec: ExperimentSpec, workers: int = 1) -> Plan:
    """Work out a sound spec's plan."""
    networks = [condition.network() for condition in conditions(spec)]
    grid = list(zip(conditions(spec), networks, strict=True))
    efforts = [_effort(spec, line, [grid[position] for position in line.positions]) for line in lines(spec)]
    seconds = [effort.seconds for effort in efforts]
    by_model = _by_model(spec, grid)
    return Plan(
        conditions=sum(effort.conditions for effort in efforts),
        runs=sum(effort.runs for effort in efforts),
        populations=sum(effort.populations for effort in efforts),
        parameters=tuple(_parameters(spec, index, built) for index, built in enumerate(by_model)),
        warnings=tuple(_warnings(spec, by_model)),
        estimated_seconds=max(sum(seconds) / max(workers, 1), max(seconds)),
        workers=max(workers, 1),
        at_most=is_search(spec),
        basis=_basis(spec),
    )


def _basis(spec: ExperimentSpec) -> str:
    """What the estimate rests on, and what it leaves out."""
    asked = len(spec.probes)
    probes = f"training alone: the answers to {asked} probe{'s' * (asked > 1)} a condition come on top" if asked else ""
    return "; ".join(filter(None, (BASIS, SEARCHED if is_search(spec) else "", probes)))


Built = Sequence[tuple[Condition, Network]]
"""Conditions with their networks."""


@dataclass(frozen=True)
class _Effort:
    """What a line of the grid takes; ``seconds`` of one worker."""

    conditions: int
    runs: int
    populations: int
    seconds: float


def _effort(spec: ExperimentSpec, line: Line, built: Built) -> _Effort:
    if line.search is None:
        stacks = sum(populations(*each, spec.repeats) for each in built)
        seconds = sum(total_seconds(*each, spec.repeats) for each in built)
        return _Effort(len(built), len(built) * spec.repeats, stacks, seconds)
    parts, full = Counter(longest(line.search, spec.repeats)), line.search.most_lengths(spec.repeats)
    runs = full * spec.repeats
    stacks = sum(_most_stacks(spec, built, part) * times for part, times in parts.items())
    return _Effort(  # a part goes on at a next length where one is full
        conditions=min(len(built), runs, parts.total() + full),
        runs=runs,
        populations=min(runs, stacks + full),
        seconds=sum(total_seconds(*each, part) * times for part, times in parts.items() for each in built) / len(built),
    )


def _most_stacks(spec: ExperimentSpec, built: Built, part: int) -> int:
    """Stacks that some repeats of one length may lie in: one more than they fill, where they don't begin one."""
    most = max(populations(*each, part) + (populations(*each, spec.repeats) > 1) for each in built)
    return min(part, most)


def _by_model(spec: ExperimentSpec, grid: Built) -> list[Built]:
    """Conditions with their networks, by the position of their model in the spec."""
    found: dict[ModelSpec, list[tuple[Condition, Network]]] = {model: [] for model in spec.models}
    for condition, network in grid:
        found[condition.model].append((condition, network))
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
    if is_search(spec):
        message = "The most runs that the search may take: it goes by rounds, and each ends when its span is known."
        yield {"pointer": "#/lengths/search", "code": "at_most", "message": message}
    if lengths_of(spec) and len(lengths_of(spec)) < 3:
        message = "A memory span needs several lengths around the point where the model fails."
        yield {"pointer": "#/lengths", "code": "few_lengths", "message": message}


def _short_sighted(condition: Condition, network: Network) -> bool:
    """Whether the answer can't depend on the first step that it should."""
    field, needed = network.receptive_field, condition.task.relevant_steps(condition.extent)
    return field is not None and bool(needed) and field < condition.signature.length - min(needed)
