"""Telling: the events that say how far an experiment is and which of its runs ended.

Hundreds of workers may end runs of one experiment at once. If each of them wrote an event, they would take turns at the
experiment's row. So whoever comes first tells for all, once in ``Context.tell_seconds``; what came in between is told
by the next one, or by the patrol.
"""

import time
from typing import Any

from service.operations.context import Context
from service.operations.progress import counts_of, progress_body
from service.operations.remaining_time import remaining_lately
from service.operations.specs import grid_of
from service.storage import endings, events, experiments
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.states import ACTIVE


def tell(context: Context, experiment: int) -> bool:
    """Tell listeners of an experiment, unless somebody just did or is doing it now; whether it was told."""
    return context.turns_to_tell.due(experiment) and _tell(context, experiment)


def _tell(context: Context, experiment: int) -> bool:
    """The same, whether this process' turn has come or not."""
    begun = time.monotonic()
    with context.database.writing() as connection:
        row = experiments.lock_to_tell(connection, experiment, context.tell_seconds)
        if row is not None:
            body = progress_body(counts_of(connection, row), row.state, remaining_lately(context, connection, row))
            events.append(connection, experiment, *ended(connection, row), ("progress", body))
        over = row is None and _is_over(connection, experiment)
    context.turns_to_tell.tried(experiment, row is not None, time.monotonic() - begun)
    if over:
        context.turns_to_tell.over(experiment)
    return row is not None


def _is_over(connection: Connection, experiment: int) -> bool:
    """Whether there is nothing more to tell: the event of its end is an experiment's last one."""
    row = experiments.get(connection, experiment)
    return row is None or row.state not in ACTIVE


def tell_the_rest(context: Context) -> None:
    """Tell of what this process could not tell of when it happened, because somebody just had."""
    for experiment in context.turns_to_tell.waiting():
        tell(context, experiment)


def tell_leftovers(context: Context) -> None:
    """Tell of what nobody has told of, should a worker have died before it could."""
    with context.database.reading() as connection:
        left = endings.left(connection, 2 * context.tell_seconds)
    for experiment in left:
        _tell(context, experiment)


def ended(connection: Connection, row: ExperimentRecord) -> list[tuple[str, dict[str, Any]]]:
    """The events of runs that have ended, and of which listeners were not told yet."""
    found = endings.take(connection, row.key)
    conditions = grid_of(row) if found else ()
    return [
        (
            "runs",
            {
                "task": conditions[each.condition].task.kind,
                "model": conditions[each.condition].model.kind,
                "length": conditions[each.condition].length,
                "condition": each.condition,
                "purpose": conditions[each.condition].purpose,
                "state": each.state,
                "count": each.count,
            },
        )
        for each in found
    ]
