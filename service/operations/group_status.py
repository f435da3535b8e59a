"""How a group stands: experiments of one study that were started together, taken as one."""

from collections.abc import Sequence
from typing import Any

from service.operations import ids
from service.operations.progress import counts_of_many
from service.operations.remaining_time import remaining_seconds
from service.operations.times import rfc3339
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.states import ACTIVE, ExperimentState
from service.storage.studies import GroupMember


def state_of(states: Sequence[ExperimentState]) -> ExperimentState:
    """The state of several experiments: that of all, else running while one is active, else how they ended."""
    found = set(states)
    if len(found) == 1:
        return found.pop()
    if active := found & {*ACTIVE}:
        return ExperimentState.PAUSED if active == {ExperimentState.PAUSED} else ExperimentState.RUNNING
    return ExperimentState.CANCELLED if ExperimentState.CANCELLED in found else ExperimentState.PARTIAL


def groups(rows: Sequence[GroupMember]) -> list[dict[str, Any]]:
    """Groups in the order of their rows, each with how it stands."""
    members: dict[int, list[GroupMember]] = {}
    for row in rows:
        members.setdefault(row.study_group, []).append(row)
    return [
        {
            "key": key,
            "id": ids.public(ids.GROUP, key),
            "scale": each[0].study_scale,
            "state": state_of([row.state for row in each]),
            "created_at": rfc3339(min(row.created_at for row in each)),
        }
        for key, each in members.items()
    ]


def status_of(connection: Connection, rows: Sequence[ExperimentRecord]) -> dict[str, Any]:
    """How far a group is; all None for a study that was never run."""
    names = ("state", "progress", "eta_seconds", "created_at", "started_at", "finished_at")
    if not rows:
        return dict.fromkeys(names)
    state, starts = state_of([row.state for row in rows]), [row.started_at for row in rows if row.started_at]
    over = state not in ACTIVE
    return {
        "state": state,
        "progress": _progress(connection, rows),
        "eta_seconds": None if over else remaining_seconds(connection, rows),
        "created_at": rfc3339(min(row.created_at for row in rows)),
        "started_at": rfc3339(min(starts)) if starts else None,
        "finished_at": rfc3339(max(row.finished_at or 0.0 for row in rows)) if over else None,
    }


def _progress(connection: Connection, rows: Sequence[ExperimentRecord]) -> dict[str, Any]:
    each = [counts["progress"] for counts in counts_of_many(connection, rows).values()]
    return {
        "completed": round(sum(progress["completed"] for progress in each), 2),
        "total": sum(progress["total"] for progress in each),
        "unit": each[0]["unit"],
    }
