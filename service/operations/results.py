"""Results of a stored experiment: made from its rows, kept while they don't change."""

import json
from collections import defaultdict
from dataclasses import asdict
from importlib.metadata import version as release
from itertools import groupby
from operator import attrgetter
from typing import Any
from zlib import compress, decompress

from memspan.experiment.learning import MEASURES, SPLIT, by_epoch, learning_curve
from memspan.experiment.results import document_by_condition
from memspan.interfaces.json_numbers import jsonable
from service.operations import ids, verdicts
from service.operations.context import Context
from service.operations.courses import StoredCourses
from service.operations.evidence import readings, rows_by_condition
from service.operations.experiments import cancelling, found, membership
from service.operations.progress import counts_of
from service.operations.remaining_time import remaining_seconds
from service.operations.specs import grid_of, spec_of
from service.operations.times import rfc3339
from service.storage import failures, metrics, studies
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord

RELEASE = release("memspan")
PACKED = 1
"""zlib's fastest level: of 20 000 conditions 35 MB become some, which are kept until the experiment changes"""


def results(context: Context, key: int) -> bytes:
    """The results document of an experiment as JSON, finished or not; with the claims of the study that it serves."""
    with context.database.reading() as connection:
        row = found(connection, key)
        packed = context.results((key, row.version, "results"), lambda: compress(_results(connection, row), PACKED))
        # Claims change with other experiments, too: they are kept apart, and put in as the last member.
        return b"".join((decompress(packed), b',"claims":', verdicts.of_experiment(context, connection, row), b"}"))


def results_document(context: Context, key: int) -> dict[str, Any]:
    """The same as data."""
    data: dict[str, Any] = json.loads(results(context, key))
    return data


def learning(context: Context, key: int) -> list[dict[str, Any]]:
    """The course of the validation loss (and accuracy) by epoch, for each condition, over its repeats."""
    with context.database.reading() as connection:
        row = found(connection, key)
        data = context.results((key, row.version, "learning"), lambda: _encoded({"items": _learning(connection, row)}))
    items: list[dict[str, Any]] = json.loads(data)["items"]
    return items


def landscapes(context: Context, key: int) -> list[dict[str, Any]]:
    """The probes that answered with a surface, whole."""
    with context.database.reading() as connection:
        row = found(connection, key)
        data = context.results(
            (key, row.version, "landscapes"), lambda: _encoded({"items": _landscapes(connection, row)})
        )
    items: list[dict[str, Any]] = json.loads(data)["items"]
    return items


def version(context: Context, key: int) -> str:
    """Changes whenever what the experiment itself found does, or the release that shows it."""
    with context.database.reading() as connection:
        return _version(found(connection, key))


def judged_version(context: Context, key: int) -> str:
    """Changes whenever the results do: with the experiment, or with others that its study is judged by."""
    with context.database.reading() as connection:
        row = found(connection, key)
        group = studies.group_of(connection, row)
        return f"{verdicts.version(group)}-{len(group)}-{_version(row)}"


def _version(row: ExperimentRecord) -> str:
    return f"{RELEASE}-{row.key}-{row.version}"


def _encoded(data: dict[str, Any]) -> bytes:
    """As JSON; most answers hold no number that must be spelled, and are not gone through for them."""
    try:
        return _dumped(data)
    except (TypeError, ValueError):
        return _dumped(jsonable(data))


def _dumped(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _results(connection: Connection, row: ExperimentRecord) -> bytes:
    """All but the claims, and the brace behind them; each condition is written as soon as it is known."""
    asked = [linked(reading) for reading in readings(connection, row)]
    spec, grid = spec_of(row), grid_of(row)
    rows = rows_by_condition(connection, row.key, len(grid), spec.repeats)
    made = document_by_condition(spec, rows, asked, StoredCourses(connection, row).of, _encoded)
    conditions = b",".join(made.pop("conditions"))
    rest = {name: value for name, value in made.items() if name != "claims"}
    failed = [asdict(each) for each in failures.of_runs(connection, row.key)]
    first, last = _encoded({"experiment": _header(connection, row)}), _encoded({**rest, "failures": failed})
    return b"".join((first.removesuffix(b"}"), b',"conditions":[', conditions, b"],", last[1:-1]))


def linked(reading: dict[str, Any]) -> dict[str, Any]:
    """A reading as the results show it: the heights of a surface, which may be thousands, by a link to its probe."""
    result = reading["result"] or {}
    if result.get("kind") != "surface":
        return reading
    kept = {name: value for name, value in result.items() if name not in ("x", "y", "z")}
    return {**reading, "result": {**kept, "link": f"/probes/{reading['id']}"}}


def _landscapes(connection: Connection, row: ExperimentRecord) -> list[dict[str, Any]]:
    every = readings(connection, row)
    return [reading for reading in every if (reading["result"] or {}).get("kind") == "surface"]


def _header(connection: Connection, row: ExperimentRecord) -> dict[str, Any]:
    return {
        "id": ids.public(ids.EXPERIMENT, row.key),
        "name": row.name,
        "state": row.state,
        "cancelling": cancelling(row),
        "owner": row.owner,
        "study": membership(row),
        **counts_of(connection, row),
        "eta_seconds": remaining_seconds(connection, [row]),
        "created_at": rfc3339(row.created_at),
        "started_at": rfc3339(row.started_at),
        "finished_at": rfc3339(row.finished_at),
    }


def _learning(connection: Connection, row: ExperimentRecord) -> list[dict[str, Any]]:
    """One entry for each condition and metric."""
    conditions, kept, found_curves = grid_of(row), spec_of(row).training.until_converged, []
    for name in MEASURES:
        points = metrics.learning(connection, row.key, SPLIT, name)
        for position, some in groupby(points, key=attrgetter("condition")):
            if not conditions[position].is_reported:
                continue
            lines: dict[int, list[float]] = defaultdict(list)
            for each in some:
                lines[each.repeat].append(each.value)
            curve = by_epoch([lines[repeat] for repeat in sorted(lines)], kept)
            found_curves.append(learning_curve(conditions[position], name, curve))
    return found_curves
