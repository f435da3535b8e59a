"""The grid of an experiment: its conditions, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from memspan.engine.population import Condition
from memspan.experiment.lengths import Log, expanded
from memspan.experiment.spec import ExperimentSpec
from memspan.models import build
from memspan.parts.limits import Limits


@dataclass(frozen=True)
class Flaw:
    """One thing that makes a well-formed spec impossible.

    Attributes:
        path: keys and positions in the spec, e.g. ("probes", 0, "index").
    """

    path: tuple[str | int, ...]
    code: str
    message: str
    given: Any = None


def conditions(spec: ExperimentSpec) -> tuple[Condition, ...]:
    """All conditions, ordered by task, model and length."""
    return tuple(
        Condition(task, model, length, spec.training, spec.seed, spec.report.checkpoint)
        for task in spec.tasks
        for model in spec.models
        for length in (lengths_of(spec) if task.has_length else (None,))
    )


def lengths_of(spec: ExperimentSpec) -> tuple[int, ...]:
    """The lengths asked for, ascending; empty where none are given."""
    return expanded(spec.lengths) if spec.lengths is not None else ()


def flaws(spec: ExperimentSpec, limits: Limits) -> list[Flaw]:
    """Everything that the types of the spec can't see, all at once; empty for a sound spec.

    The size of the grid comes first, by arithmetic: nothing is expanded before it is known to be small.
    """
    found = [*_twice("tasks", spec.tasks), *_twice("models", spec.models), *_twice("probes", spec.probes)]
    found += [*_lengths(spec), *_runs(spec, limits), *_data(spec, limits)]
    if not found:
        found += [*_networks(spec, limits), *_probes(spec)]
    return found


def _twice(field: str, parts: Sequence[BaseModel]) -> Iterator[Flaw]:
    seen: dict[str, int] = {}
    for index, part in enumerate(parts):
        first = seen.setdefault(part.model_dump_json(), index)
        if first < index:
            yield Flaw((field, index), "duplicate", f"Is the same as {field}[{first}]; give it once.")


def _lengths(spec: ExperimentSpec) -> Iterator[Flaw]:
    """Lengths must be there for tasks that have one, and long enough for each."""
    lengths = lengths_of(spec)
    for task in (task for task in spec.tasks if task.has_length):
        if not lengths:
            yield Flaw(("lengths",), "missing", f"The task {task.kind} needs lengths, e.g. [2, 10, 50].")
            return
        for index, length in _given_lengths(spec):
            if length < task.minimum_length:
                message = f"The task {task.kind} needs at least {task.minimum_length} steps."
                yield Flaw(("lengths", *index), "out_of_range", message, length)


def _given_lengths(spec: ExperimentSpec) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """The shortest lengths with their paths; a set is sorted, so its path is the field."""
    if isinstance(spec.lengths, Log):
        yield ("log", "low"), spec.lengths.log.low
    elif spec.lengths:
        yield (), spec.lengths[0]


def _runs(spec: ExperimentSpec, limits: Limits) -> Iterator[Flaw]:
    """The number of runs is capped; the error points at the largest factor."""
    factors = {
        "repeats": spec.repeats,
        "lengths": max(len(lengths_of(spec)), 1),
        "models": len(spec.models),
        "tasks": len(spec.tasks),
    }
    total = 1
    for count in factors.values():
        total *= count
    if total > limits.runs:
        largest = max(factors, key=lambda name: factors[name])
        product = " x ".join(f"{count} {name}" for name, count in factors.items())
        message = f"The grid has {total} runs ({product}); at most {limits.runs} are allowed."
        yield Flaw((largest,), "grid_too_large", message, factors[largest])


def _data(spec: ExperimentSpec, limits: Limits) -> Iterator[Flaw]:
    """The largest data set must fit into memory."""
    longest = max(lengths_of(spec), default=1)
    for task in spec.tasks:
        steps = longest if task.has_length else task.minimum_length
        width = task.signature(steps).channels * steps
        for name in ("train_size", "validation_size", "test_size"):
            count = getattr(spec.training, name)
            if count * width > limits.values:
                message = (
                    f"{count} sequences of {steps} steps are {count * width} numbers; at most {limits.values} "
                    f"fit one data set. Take fewer or shorter sequences."
                )
                yield Flaw(("training", name), "data_too_large", message, count)


def _networks(spec: ExperimentSpec, limits: Limits) -> Iterator[Flaw]:
    """A network must fit into memory."""
    longest = max(lengths_of(spec), default=1)
    for index, model in enumerate(spec.models):
        for task in spec.tasks:
            steps = longest if task.has_length else task.minimum_length
            parameters = build(model, task.signature(steps)).parameters
            if parameters > limits.parameters:
                message = f"This network has {parameters} parameters; at most {limits.parameters} are allowed."
                yield Flaw(("models", index), "network_too_large", message, parameters)
                break


def _probes(spec: ExperimentSpec) -> Iterator[Flaw]:
    """A probe must apply to every task, and its steps lie inside every length."""
    for index, probe in enumerate(spec.probes):
        for task in spec.tasks:
            for length in (lengths_of(spec) if task.has_length else (task.minimum_length,))[:1]:
                for field, step in probe.misplaced(length).items():
                    message = f"Must lie inside every sequence: the shortest has steps {-length} to {length - 1}."
                    yield Flaw(("probes", index, field), "out_of_range", message, step)
                objection = None if probe.misplaced(length) else probe.objection(task, length)
                if objection:
                    yield Flaw(("probes", index), "does_not_apply", objection)
