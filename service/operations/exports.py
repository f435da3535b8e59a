"""Exports: all runs of an experiment, one a row, made page by page: no export holds more than one in memory."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal

from memspan.engine.condition import Condition
from memspan.experiment.budget import budget
from memspan.experiment.trained_runs import STEPS
from memspan.training import NORM, SHRINKAGE
from service.errors import NotFound
from service.operations import ids
from service.operations.context import Context
from service.operations.experiments import found
from service.operations.results import results_document
from service.operations.specs import grid_of
from service.storage import runs
from service.storage.runs import ResultRecord

Format = Literal["json", "csv", "jsonl"]
"""json is the document itself, for browsers, which get a page otherwise; the others have one row a run"""
PAGE = 200
"""runs that are read and written at once: some milliseconds of Python, in which nobody else has a turn"""
METRICS = tuple(
    f"{split}_{name}" for split in ("train", "validation", "test") for name in ("loss", "accuracy", "exact")
)
RUN = ("repeat", "state", "diverged_at", "seconds", "engine", "processor")
TRAINED = ("optimizer", "learning_rate", "epochs", "steps", "sequences")
TUNED = (NORM, SHRINKAGE, "purpose")
COLUMNS = ("task", "model", "length", *RUN, *METRICS, *TRAINED, "convergence", *TUNED, "by_lag")
"""convergence is that of the condition: a run alone doesn't tell whether it still improved. The purpose is report, or
tuning of runs that serve to choose a setting and enter nothing else"""


def export(context: Context, key: int, form: Format) -> Iterator[bytes]:
    """All runs of an experiment with their final metrics, in pages of some rows.

    Each page is a look of its own: a slow client keeps no transaction open. One that is deleted meanwhile breaks off.

    Raises:
        NotFound: with the first page, where there is no such experiment; later, where it was deleted meanwhile.
    """
    with context.database.reading() as connection:
        row = found(connection, key)
        keys = runs.keys_of(connection, key)
    conditions, ends = grid_of(row), _convergence(context, key)

    @lru_cache(maxsize=16)  # runs come in the order of conditions
    def parts(position: int) -> tuple[str, str, int | None]:
        return _parts(conditions[position])

    @lru_cache(maxsize=16)
    def trained(position: int) -> tuple[dict[str, Any], str | None]:
        given = budget(conditions[position].training)
        reported = conditions[position].is_reported
        numbers = conditions[position].training.numbers | {"purpose": conditions[position].purpose}
        return given | numbers, ends.get(parts(position)) if reported else None

    if form == "csv":
        yield ",".join(COLUMNS).encode() + b"\n"
    write = _json_lines if form == "jsonl" else _csv_lines
    for start in range(0, len(keys), PAGE):
        some = keys[start : start + PAGE]
        with context.database.reading() as connection:
            page = runs.some_for_results(connection, some)
        if len(page) < len(some):
            raise NotFound(f"{ids.public(ids.EXPERIMENT, key)} was deleted meanwhile.")
        yield write(
            [
                (*parts(each.condition), *_numbers(each), *_trained(each, *trained(each.condition)), each.by_lag)
                for each in page
            ]
        )


def _trained(row: ResultRecord, given: dict[str, Any], convergence: str | None) -> tuple[Any, ...]:
    """What a run was trained by; of one that ended when it had converged, how much of that it took."""
    taken = (row.metrics or {}).get(STEPS)
    share = 1 if taken is None else taken / given["steps"]
    used = {name: round(share * given[name]) for name in ("epochs", "steps", "sequences")}
    return (*((given | used)[name] for name in TRAINED), convergence, *(given[name] for name in TUNED))


def _convergence(context: Context, key: int) -> dict[tuple[str, str, int | None], str | None]:
    """Whether training had come to its end, by task, model and length."""
    shown = results_document(context, key)["conditions"]
    return {
        (json.dumps(each["task"]), json.dumps(each["model"]), each["length"]): each["convergence"]["state"]
        for each in shown
    }


def _parts(condition: Condition) -> tuple[str, str, int | None]:
    """Task and model as JSON, and the length."""
    task, model = (json.dumps(each.model_dump(mode="json")) for each in (condition.task, condition.model))
    return task, model, condition.length


def _numbers(row: ResultRecord) -> tuple[Any, ...]:
    measured = row.metrics or {}
    return (*(getattr(row, name) for name in RUN), *(measured.get(name) for name in METRICS))


def _csv_lines(rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Lines; answers by lag are spelled as JSON."""
    text = io.StringIO()
    spelled = ((*rest, by_lag and json.dumps(by_lag)) for *rest, by_lag in rows)
    csv.writer(text, lineterminator="\n").writerows(spelled)
    return text.getvalue().encode()


def _json_lines(rows: Sequence[tuple[Any, ...]]) -> bytes:
    """Objects; task and model are spelled already."""
    lines = []
    for task, model, *others in rows:
        rest = json.dumps(dict(zip(COLUMNS[2:], others, strict=True)), allow_nan=False)
        lines.append(f'{{"task": {task}, "model": {model}, {rest.removeprefix("{")}\n')
    return "".join(lines).encode()
