"""Flaws: what is wrong with a well-formed spec, by arithmetic alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import prod

from pydantic import BaseModel

from memspan.engine.condition import Condition
from memspan.engine.placement import WIDEST, place
from memspan.experiment.flaw import Flaw, Place
from memspan.experiment.grid import lengths_of
from memspan.experiment.lengths import Log, Search
from memspan.experiment.matching import matched
from memspan.experiment.report import SolvedIf
from memspan.experiment.spec import ExperimentSpec
from memspan.experiment.untunable import too_much_tuning, untunable
from memspan.interfaces.limits import Limits
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.probe import ProbeSpec
from memspan.interfaces.task import TaskSpec
from memspan.models import build
from memspan.training import any_setting

FEW = 5_000
"""conditions and probes of them that are looked at one by one although there are too many runs: some 50 ms"""


def flaws(spec: ExperimentSpec, limits: Limits) -> list[Flaw]:
    """Everything that the types of the spec can't see, all at once; empty for a sound spec.

    All of it is arithmetic: networks are counted, not drawn. Sizes are multiplied before anything is walked: of a grid
    that is too large nothing is looked at that takes a step for each condition, unless these are few.
    """
    sized = matched(spec, limits)
    spec = sized.spec
    found = [*_twice("tasks", spec.tasks), *_twice("models", spec.models), *_twice("probes", spec.probes)]
    found += untunable(spec)
    too_large = [*_runs(spec, limits)] or [*_asked(spec, limits)] or [*too_much_tuning(spec, limits)]
    found += [*_lengths(spec), *too_large]
    if spec.report.solved_if:
        found += _criterion(spec, spec.report.solved_if)
    if not (too_large and _walked(spec) > FEW) and any(_steps(spec, task) for task in spec.tasks):
        found += [*_collected(spec)] or [*_data(spec, limits)]
        unfit = [*_unfit(spec), *sized.flaws, *_misfits(spec, sized.failed)]
        found += unfit or [*_networks(spec, limits), *_training_steps(spec, limits), *_probes(spec)]
    return found


def _steps(spec: ExperimentSpec, task: TaskSpec) -> tuple[int, ...]:
    """The lengths of a task's conditions in time steps, ascending, without those that are too short for it."""
    lengths = lengths_of(spec) if task.has_length else (task.minimum_length,)
    return tuple(length for length in lengths if length >= task.minimum_length)


def _possible(spec: ExperimentSpec) -> list[TaskSpec]:
    """The tasks that have some condition."""
    return [task for task in spec.tasks if _steps(spec, task)]


def _twice(name: str, parts: Sequence[BaseModel]) -> Iterator[Flaw]:
    seen: dict[str, int] = {}
    for index, part in enumerate(parts):
        first = seen.setdefault(part.model_dump_json(exclude={"match"}), index)
        if first < index:
            message = f"Is the same as {name}[{first}]; give it once."
            yield Flaw((name, index), "duplicate", message, because=((name, first),))


def _lengths(spec: ExperimentSpec) -> Iterator[Flaw]:
    """Lengths must be there for tasks that have one, and long enough for each."""
    tasks = [task for task in spec.tasks if task.has_length]
    if not tasks:
        return
    if spec.lengths is None:
        yield Flaw(("lengths",), "missing", f"The task {tasks[0].kind} needs lengths, e.g. [2, 10, 50].")
        return
    strictest = max(tasks, key=lambda task: task.minimum_length)
    listed = not isinstance(spec.lengths, Log | Search)
    form = "search" if isinstance(spec.lengths, Search) else "log"
    path: Place = ("lengths",) if listed else ("lengths", form, "low")
    for length in lengths_of(spec) if listed else lengths_of(spec)[:1]:
        if length < strictest.minimum_length:
            message = f"The task {strictest.kind} needs at least {strictest.minimum_length} steps; given {length}."
            yield Flaw(path, "out_of_range", message, length, member=listed)


def _runs(spec: ExperimentSpec, limits: Limits) -> Iterator[Flaw]:
    """The number of runs is capped; the error points at the largest factor."""
    factors = {
        "repeats": spec.repeats,
        "lengths": _most_lengths(spec) if any(task.has_length for task in spec.tasks) else 1,
        "models": len(spec.models),
        "tasks": len(spec.tasks),
    }
    total = 1
    for count in factors.values():
        total *= count
    if total > limits.runs:
        largest = max(factors, key=lambda name: factors[name])
        product = " x ".join(f"{count} {name}" for name, count in factors.items())
        grid = "search may take" if isinstance(spec.lengths, Search) else "grid has"
        message = f"The {grid} {total} runs ({product}); at most {limits.runs} are allowed."
        because = tuple((name,) for name in factors)
        yield Flaw((largest,), "grid_too_large", message, factors[largest], because=because)


def _asked(spec: ExperimentSpec, limits: Limits) -> Iterator[Flaw]:
    """The conditions that there may be, and the probes that are asked of them, are capped like runs.

    A search has a condition for each length that it may ask for, however few it will take; and a probe is asked once
    of each condition.
    """
    factors = {"models": len(spec.models), "tasks": len(spec.tasks), "lengths": _possible_lengths(spec)}
    conditions = prod(factors.values())
    largest = max(factors, key=lambda name: factors[name])
    because = tuple((name,) for name in (*factors, "probes"))
    product = " x ".join(f"{count} {name}" for name, count in factors.items())
    if conditions > limits.runs:
        message = f"The grid has {conditions} conditions ({product}); at most {limits.runs} are allowed."
        yield Flaw((largest,), "grid_too_large", message, factors[largest], because=because)
    elif (asked := conditions * len(spec.probes)) > limits.runs:
        given = len(spec.probes)
        message = f"{given} probes of {conditions} conditions ({product}) are {asked}; at most {limits.runs} are asked."
        yield Flaw(("probes",), "grid_too_large", message, given, because=because)


def _walked(spec: ExperimentSpec) -> int:
    """How many conditions there may be, each counted once for every probe of it."""
    return len(spec.models) * len(spec.tasks) * _possible_lengths(spec) * max(len(spec.probes), 1)


def _possible_lengths(spec: ExperimentSpec) -> int:
    """How many lengths conditions may have."""
    return max(len(lengths_of(spec)), 1) if any(task.has_length for task in spec.tasks) else 1


def _most_lengths(spec: ExperimentSpec) -> int:
    """How many lengths each task and model may take all repeats of."""
    if isinstance(spec.lengths, Search):
        return spec.lengths.search.most_lengths(spec.repeats)
    return max(len(lengths_of(spec)), 1)


def _data(spec: ExperimentSpec, limits: Limits) -> Iterator[Flaw]:
    """The largest data set must fit into memory; with ``per_repeat`` a stack of runs holds a training set each."""
    task = max(_possible(spec), key=lambda task: _numbers(spec, task))
    steps, numbers = task.signature(_steps(spec, task)[-1]).length, _numbers(spec, task)
    for name in ("train_size", "validation_size", "test_size"):
        count = getattr(spec.training, name)
        sets = min(spec.repeats, WIDEST) if name == "train_size" and spec.training.data == "per_repeat" else 1
        if count * sets * numbers > limits.values:
            each = f" for each of {sets} repeats" if sets > 1 else ""
            message = (
                f"{count} sequences of {steps} steps{each} are {count * sets * numbers} numbers; at most "
                f"{limits.values} fit one data set. Take fewer or shorter sequences."
            )
            yield Flaw(("training", name), "data_too_large", message, count)


def _collected(spec: ExperimentSpec) -> Iterator[Flaw]:
    """A collected data set has so many sequences and no more, and can't be drawn anew."""
    collected = [(sizes, task, index) for index, task in enumerate(spec.tasks) if (sizes := task.sizes())]
    if not collected:
        return
    training = spec.training
    sizes, task, index = min(collected, key=lambda each: each[0].train)
    because = (("training", "validation_size"), ("tasks", index))
    if (asked := training.train_size + training.validation_size) > sizes.train:
        rest = sizes.train // 10
        message = (
            f"The task {task.kind} has {sizes.train} training sequences; train_size + validation_size given {asked}. "
            f"Take e.g. {sizes.train - rest} and {rest}."
        )
        yield Flaw(("training", "train_size"), "data_too_large", message, training.train_size, because=because)
    sizes, task, index = min(collected, key=lambda each: each[0].test)
    if training.test_size > sizes.test:
        message = f"The task {task.kind} has {sizes.test} test sequences; test_size given {training.test_size}."
        path = ("training", "test_size")
        yield Flaw(path, "data_too_large", message, training.test_size, because=(("tasks", index),))
    if training.data != "fixed":
        message = f"The task {task.kind} is a collected data set: no other sequences can be drawn; data must be fixed."
        yield Flaw(("training", "data"), "does_not_apply", message, training.data, because=(("tasks", index),))


def _numbers(spec: ExperimentSpec, task: TaskSpec) -> int:
    """Numbers in a task's longest sequence."""
    signature = task.signature(_steps(spec, task)[-1])
    return signature.length * signature.channels


def _unfit(spec: ExperimentSpec) -> Iterator[Flaw]:
    """A model must be able to answer every task at every length."""
    for index, model in enumerate(spec.models):
        asked = (task.signature(steps) for task in _possible(spec) for steps in _steps(spec, task))
        objection = next((found for signature in asked if (found := model.objection(signature))), None)
        if objection:
            yield Flaw(("models", index), "does_not_apply", objection)


def _misfits(spec: ExperimentSpec, failed: Collection[int]) -> Iterator[Flaw]:
    """Fields of a model must go with its width, where that is known."""
    for index, model in enumerate(spec.models):
        for name, message in (model.misfits() if index not in failed else {}).items():
            yield Flaw(("models", index, name), "out_of_range", message, because=(("models", index),))


def _networks(spec: ExperimentSpec, limits: Limits) -> Iterator[Flaw]:
    """A network must fit into memory."""
    for index, model in enumerate(spec.models):
        parameters = max(network.parameters for _, network in _largest(spec, model))
        if parameters > limits.parameters:
            message = f"This network has {parameters} parameters; at most {limits.parameters} are allowed."
            yield Flaw(("models", index), "network_too_large", message)


def _training_steps(spec: ExperimentSpec, limits: Limits) -> Iterator[Flaw]:
    """What a step carries through time must fit into memory; the largest product is reported."""
    batch = min(spec.training.batch_size, spec.training.train_size)
    carried = [
        (_carried(spec, task, extent, model, network) * batch, index, task.signature(extent).length)
        for index, model in enumerate(spec.models)
        for (task, extent), network in _largest(spec, model)
    ]
    most, index, steps = max(carried)
    if most > limits.step_values:
        message = (
            f"A step of models[{index}] on {batch} sequences of {steps} steps carries {most} numbers; at most "
            f"{limits.step_values} are allowed. Take smaller batches, shorter sequences or fewer units."
        )
        yield Flaw(("training", "batch_size"), "step_too_large", message, spec.training.batch_size)


def _carried(spec: ExperimentSpec, task: TaskSpec, extent: int, model: ModelSpec, network: Network) -> int:
    """Numbers that one sequence carries through time in all members of a stack."""
    signature = task.signature(extent)
    members = place(Condition(task, model, extent, any_setting(spec.training), spec.seed)).width
    return members * network.held(signature.length, signature.channels)


def _largest(spec: ExperimentSpec, model: ModelSpec) -> Iterator[tuple[tuple[TaskSpec, int], Network]]:
    """A model's network at the longest length of each task."""
    for task in _possible(spec):
        steps = _steps(spec, task)[-1]
        yield (task, steps), build(model, task.signature(steps))


def _probes(spec: ExperimentSpec) -> Iterator[Flaw]:
    """A probe must apply to every condition, and its steps lie inside every sequence."""
    shortest = min(task.signature(_steps(spec, task)[0]).length for task in _possible(spec))
    for index, probe in enumerate(spec.probes):
        misplaced = probe.misplaced(shortest)
        for name, step in misplaced.items():
            message = f"Must lie inside every sequence: {-shortest} to {shortest - 1} of the shortest; given {step}."
            yield Flaw(("probes", index, name), "out_of_range", message, step)
        objection = None if misplaced else _objection(spec, probe)
        if objection:
            yield Flaw(("probes", index), "does_not_apply", objection)


def _criterion(spec: ExperimentSpec, solved_if: SolvedIf) -> Iterator[Flaw]:
    """A bound on what a task doesn't have would count each of its runs as unsolved, whatever it had learnt."""
    told: set[str] = set()
    for index, task in enumerate(spec.tasks):
        missing = dict(solved_if.missing(task.signature(task.minimum_length)))
        for name in missing.keys() - told:
            told.add(name)
            wants = missing[name]
            message = f"The task {task.kind} asks for {wants}: none of its runs could ever count as solved."
            yield Flaw(("report", "solved_if", name), "does_not_apply", message, because=(("tasks", index),))


def _objection(spec: ExperimentSpec, probe: ProbeSpec) -> str | None:
    """The first reason why a probe can't be asked of some condition."""
    asked = ((task, steps) for task in _possible(spec) for steps in _steps(spec, task))
    told = (
        probe.refusal(task, steps, build(model, task.signature(steps)))
        for task, steps in asked
        for model in spec.models
    )
    return next((found for found in told if found), None)
