"""What an experiment needs of a worker's memory, and which field drives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ByteSize

from memspan.engine.condition import Condition
from memspan.engine.placement import Device, Placement, best_device, place
from memspan.experiment.flaw import Flaw, Place
from memspan.experiment.grid import lengths_of
from memspan.experiment.lengths import Log, Search
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.training import any_setting

Room = Mapping[Device, int]
"""bytes that a worker may hold, by the kind of device that it trains on; without a GPU worker there is no ``gpu``"""
HALVINGS = 24


def memory_flaws(spec: ExperimentSpec, room: Room) -> list[Flaw]:
    """What keeps a sound spec from any worker's memory: one flaw, of the condition that needs most.

    Of each task and model the longest length is looked at: it needs most but where runs hold small sets of their own.
    """
    needs = [_placed(condition, spec, room) for condition in _longest(spec)]
    beyond = [each for each in needs if each.peak_bytes > room[each.device]]
    return [_flaw(spec, worst, room)] if (worst := max(beyond, key=lambda each: each.peak_bytes, default=None)) else []


def _longest(spec: ExperimentSpec) -> Iterator[Condition]:
    """Each model at the longest length of each sort of task: those of one shape need the same."""
    sorts: dict[object, tuple[TaskSpec, int | None]] = {}
    for task in spec.tasks:
        length = lengths_of(spec)[-1] if task.has_length else None
        shape = task.signature(task.minimum_length if length is None else length)
        sorts.setdefault((shape, task.draws_independently, task.sizes()), (task, length))
    for task, length in sorts.values():
        for model in spec.models:
            yield Condition(task, model, length, any_setting(spec.training), spec.seed, spec.report.checkpoint)


def _placed(condition: Condition, spec: ExperimentSpec, room: Room) -> Placement:
    """As ``Placements`` places it."""
    if spec.device == "auto":
        return place(condition, best_device(condition) if "gpu" in room else "cpu")
    return place(condition, spec.device if spec.device in room else "cpu")


@dataclass(frozen=True)
class _Driver:
    """A field that may be smaller: its place, its value, its least value, and the condition with another value."""

    path: Place
    value: int
    least: int
    changed: Callable[[int], Condition]
    member: bool = False


def _flaw(spec: ExperimentSpec, worst: Placement, room: Room) -> Flaw:
    """The field that brings the need into the room when it is halved the fewest times, and a value that fits."""
    limit = room[worst.device]

    def need(condition: Condition) -> int:
        return _placed(condition, spec, room).peak_bytes

    said = (
        f"Training {worst.condition.model.kind} on {worst.condition.task.kind}"
        f"{'' if worst.condition.length is None else f' at length {worst.condition.length}'} takes a worker about "
        f"{_amount(worst.peak_bytes)} of memory; at most {_amount(limit)} are there (MEMSPAN_WORKER_MEMORY)."
    )
    tried = [(driver, _halved(driver, need, limit)) for driver in _drivers(spec, worst.condition)]
    fitting = [(driver, values) for driver, values in tried if values and need(driver.changed(values[-1])) <= limit]
    if not fitting:
        path: Place = ("models", spec.models.index(worst.condition.model))
        return Flaw(path, "out_of_memory", f"{said} No field alone brings it below.")
    driver, values = min(fitting, key=lambda each: len(each[1]))
    above = values[-2] if len(values) > 1 else driver.value
    fits = _largest(driver, need, limit, values[-1], above)
    message = f"{said} {driver.path[-1]} drives it: {fits} would fit, given {driver.value}."
    return Flaw(driver.path, "out_of_memory", message, driver.value, member=driver.member)


def _amount(size: int) -> str:
    return ByteSize(size).human_readable()


def _halved(driver: _Driver, need: Callable[[Condition], int], limit: int) -> list[int]:
    """The values that a field takes when it is halved until the need fits, or until it is as small as may be."""
    values, value = list[int](), driver.value
    while value > driver.least and len(values) < HALVINGS:
        value = max(driver.least, value // 2)
        values.append(value)
        if need(driver.changed(value)) <= limit:
            break
    return values


def _largest(driver: _Driver, need: Callable[[Condition], int], limit: int, fits: int, above: int) -> int:
    """The largest value that fits, by bisection."""
    while above - fits > 1:
        middle = (fits + above) // 2
        if need(driver.changed(middle)) <= limit:
            fits = middle
        else:
            above = middle
    return fits


def _drivers(spec: ExperimentSpec, worst: Condition) -> Iterator[_Driver]:
    """The fields on which a condition's need depends."""

    def trained(name: str) -> Callable[[int], Condition]:
        return lambda value: _with(worst, training=worst.training.model_copy(update={name: value}))

    for name in ("batch_size", "train_size", "validation_size", "test_size"):
        yield _Driver(("training", name), getattr(worst.training, name), 1, trained(name))
    if worst.length is not None:
        listed = not isinstance(spec.lengths, Log | Search)
        form = "search" if isinstance(spec.lengths, Search) else "log"
        path: Place = ("lengths",) if listed else ("lengths", form, "high")
        least = worst.task.minimum_length
        yield _Driver(path, worst.length, least, lambda value: _with(worst, length=value), member=listed)
    size: Any = getattr(worst.model, "hidden_size", None)
    if size is not None:
        sizes = size if isinstance(size, tuple) else (size,)
        path = ("models", spec.models.index(worst.model), "hidden_size")
        yield _Driver(path, max(sizes), 1, lambda value: _with(worst, model=_sized(worst.model, size, value)))


def _sized(model: ModelSpec, size: int | tuple[int, ...], most: int) -> ModelSpec:
    """A model none of whose layers is larger."""
    smaller = tuple(min(each, most) for each in size) if isinstance(size, tuple) else most
    return model.model_copy(update={"hidden_size": smaller})


def _with(condition: Condition, **changed: Any) -> Condition:
    fields = {name: getattr(condition, name) for name in ("task", "model", "length", "training", "seed", "checkpoint")}
    return Condition(**(fields | changed))
