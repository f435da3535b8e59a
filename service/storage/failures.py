"""SQL over what failed, and why."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from service.storage.states import RunState
from service.storage.tables import runs

MOST_NAMED = 100
"""reasons that one answer names; a detail that differs from run to run must not make an answer endless"""


def of_runs(connection: Connection, experiment: int) -> Sequence[Row[Any]]:
    """The failed runs of an experiment by reason and detail, the most frequent first: rows with those and count."""
    count = func.count().label("count")
    statement = select(runs.c.reason, runs.c.detail, count).where(
        runs.c.experiment_key == experiment, runs.c.state == RunState.FAILED
    )
    grouped = statement.group_by(runs.c.reason, runs.c.detail)
    return connection.execute(grouped.order_by(count.desc(), func.min(runs.c.key)).limit(MOST_NAMED)).all()
