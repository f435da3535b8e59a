"""Own data: tasks on users' data sets, looked into before anything is planned, so that the spec tells all by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from memspan.baselines.forecasts import mase_scale, season_of, simple_scores
from memspan.datasets.grid import Unfit
from memspan.datasets.unavailable import DatasetUnavailable
from memspan.experiment.flaw import Flaw
from memspan.experiment.grid import longest_of
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.task import TaskSpec
from memspan.tables.fault import Unreadable
from memspan.tables.table import Sequences, Table
from memspan.tables.timeline import series_column, time_column
from memspan.tasks.series import Facts, Scores, Series, drawn_up

Look = Callable[[str], tuple[str, Table | Sequences]]
"""a data set by what a spec calls it: its sha256 and what is in it. Raises DatasetUnavailable."""
SIZES = {"train_size": "train", "validation_size": "validation", "test_size": "test"}


def looked_into(spec: ExperimentSpec, look: Look) -> tuple[ExperimentSpec, list[Flaw]]:
    """The spec with what was found in the data sets of its tasks, and what makes that impossible.

    Sizes of sets that aren't given are those that the data sets have; of several the smallest.
    """
    if not any(isinstance(task, Series) for task in spec.tasks):
        return spec, []
    tasks, flaws = list(spec.tasks), []
    for index, task in enumerate(spec.tasks):
        if isinstance(task, Series):
            found = looked_at(task, longest_of(spec, task), look)
            if isinstance(found, Flaw):
                flaws.append(replace(found, path=("tasks", index, *found.path)))
            else:
                tasks[index] = found
    return (spec, flaws) if flaws else _sized(spec, tasks)


def looked_at(task: TaskSpec, longest: int, look: Look) -> TaskSpec | Flaw:
    """One task with what was found in its data set."""
    if not isinstance(task, Series):
        return task
    try:
        sha256, table = look(task.dataset)
        if wrong := _wrong_column(task, table):
            return wrong
        named = _named(task, table)
        found = _facts(named, sha256, table, longest)
        return found if isinstance(found, Flaw) else named.model_copy(update={"facts": found})
    except DatasetUnavailable as error:
        return Flaw(("dataset",), "data_unavailable", str(error), task.dataset)
    except Unfit as error:
        return Flaw((error.field,), error.code, error.message)
    except Unreadable as error:
        return Flaw((_blamed(task, error),), error.faults[0].code, str(error))


def _named(task: Series, table: Table | Sequences) -> Series:
    """The task with the columns that were named when the file was sent, unless it names others.

    Written into the spec, and only where a guess finds another one: specs that are stored mean what they meant.
    """
    if task.facts is not None or not isinstance(table, Table):
        return task
    guessed = {"series_column": series_column(table), "time_column": time_column(table)}
    said = {
        field: name
        for field, column in guessed.items()
        if getattr(task, field) is None
        and (name := table.understood.get(field)) is not None
        and (column is None or column.name != name)
    }
    return task.model_copy(update=said)


def _facts(task: Series, sha256: str, table: Table | Sequences, longest: int) -> Facts | Flaw:
    """What a task's data set comes to."""
    data = drawn_up(table, longest, task)
    season = task.season or season_of(data)
    scores = simple_scores(data, season)
    if scores["training_mean"] == 0:
        return Flaw(("target",), "constant", "The target has one value only in the test part: nothing is to forecast.")
    return Facts(
        sha256=sha256,
        longest=longest,
        channels=data.inputs.shape[1],
        train=len(data.points["train"]),
        validation=len(data.points["validation"]),
        test=len(data.points["test"]),
        season=season,
        scores=Scores(**scores),
        mase_scale=mase_scale(data),
    )


def _wrong_column(task: Series, table: Table | Sequences) -> Flaw | None:
    """The first column that isn't there, or isn't one of numbers."""
    if not isinstance(table, Table):
        return Flaw(("dataset",), "wrong_kind", "The data set holds sequences that were cut already, and no series.")
    types = {column.name: column.type for column in table.columns}
    wanted: list[tuple[tuple[str | int, ...], str]] = [(("target",), task.target)]
    wanted += [(("inputs", place), name) for place, name in enumerate(task.inputs or ())]
    for path, name in wanted:
        if name not in types:
            return Flaw(
                path, "unknown_column", f"There is no such column. There are: {', '.join(list(types)[:20])}.", name
            )
        if types[name] != "number":
            return Flaw(path, "wrong_type", f"Must be a column of numbers; this one is of type {types[name]}.", name)
    return None


def _blamed(task: Series, error: Unreadable) -> str:
    """The field that names what a reader of tables refuses."""
    given = {error.faults[0].given, error.faults[0].column} - {None}
    return next((name for name in ("series_column", "time_column") if getattr(task, name) in given), "dataset")


def _sized(spec: ExperimentSpec, tasks: Sequence[Any]) -> tuple[ExperimentSpec, list[Flaw]]:
    """The sets of a training as large as its data sets have them, unless that was said."""
    facts = [task.known for task in tasks if isinstance(task, Series)]
    least = {size: min(getattr(each, part) for each in facts) for size, part in SIZES.items()}
    unsaid = {size: count for size, count in least.items() if size not in spec.training.model_fields_set}
    training = spec.training.model_copy(update=unsaid)
    if training.validation_size > least["validation_size"]:
        message = f"The validation part has {least['validation_size']} points; given {training.validation_size}."
        path = ("training", "validation_size")
        return spec, [Flaw(path, "data_too_large", message, training.validation_size)]
    held = {"validation": training.validation_size}
    sized = tuple(
        task.model_copy(update={"facts": task.known.model_copy(update=held)}) if isinstance(task, Series) else task
        for task in tasks
    )
    return spec.model_copy(update={"tasks": sized, "training": training}), []
