"""SQL over what failed, and why."""

from dataclasses import dataclass

from sqlalchemy import Connection, func

from service.storage.records import every, reading
from service.storage.states import Reason, RunState
from service.storage.tables import runs

MOST_NAMED = 100
"""reasons that one answer names; a detail that differs from run to run must not make an answer endless"""


@dataclass(frozen=True)
class Failure:
    """How many runs failed for one reason."""

    reason: Reason | None
    detail: str | None
    count: int


FAILED = reading(Failure, runs, count=func.count()).where(runs.c.state == RunState.FAILED)


def of_runs(connection: Connection, experiment: int) -> list[Failure]:
    """The failures of an experiment, the most frequent first."""
    grouped = FAILED.where(runs.c.experiment_key == experiment).group_by(runs.c.reason, runs.c.detail)
    ordered = grouped.order_by(func.count().desc(), func.min(runs.c.key)).limit(MOST_NAMED)
    return every(connection, Failure, ordered)
