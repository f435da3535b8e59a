"""SQL over conditions: how many runs of each have something to do, so that the last one to end is known by its own row.

Only experiments in which something follows a condition's end, probes or the next round of a search, have such rows.
"""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Connection, Integer, bindparam, func, select, update

from service.storage.bulk import insert_rows
from service.storage.states import OPEN
from service.storage.tables import conditions, runs
from service.storage.upserts import Upsert


def opened(connection: Connection, experiment: int, counts: Mapping[int, int]) -> None:
    """Count runs that are new, or have something to do again, by condition."""
    rows = [
        {"experiment_key": experiment, "condition": position, "open": count}
        for position, count in sorted(counts.items())
    ]
    insert_rows(connection, conditions, rows, _adding)


def _adding(statement: Upsert) -> Upsert:
    summed = {"open": conditions.c.open + statement.excluded.open}
    return statement.on_conflict_do_update(index_elements=list(conditions.primary_key), set_=summed)


def ended(connection: Connection, experiment: int, counts: Mapping[int, int]) -> set[int]:
    """Count runs that have ended by condition; the conditions in which none is left to do.

    The rows are locked in ascending order until the unit of work ends.
    """
    done = set()
    for position, count in sorted(counts.items()):
        given = {"experiment": experiment, "position": position, "count": count}
        if connection.execute(ENDED, given).scalar_one_or_none() == 0:
            done.add(position)
    return done


ENDED = (
    update(conditions)
    .where(
        conditions.c.experiment_key == bindparam("experiment", type_=BigInteger),
        conditions.c.condition == bindparam("position", type_=Integer),
    )
    .values(open=conditions.c.open - bindparam("count", type_=Integer))
    .returning(conditions.c.open)
)


def open_runs(connection: Connection, experiment: int, positions: range) -> int:
    """How many runs of some neighbouring conditions have something to do."""
    statement = select(func.coalesce(func.sum(conditions.c.open), 0)).where(
        conditions.c.experiment_key == experiment,
        conditions.c.condition >= positions.start,
        conditions.c.condition < positions.stop,
    )
    return int(connection.execute(statement).scalar_one())


def wrong(connection: Connection) -> list[tuple[int, int]]:
    """The (experiment, condition) whose rows are not what counting open runs gives; every one of them is a defect."""
    counted = (
        select(func.count())
        .where(
            runs.c.experiment_key == conditions.c.experiment_key,
            runs.c.condition == conditions.c.condition,
            runs.c.state.in_(OPEN),
        )
        .scalar_subquery()
    )
    keys = (conditions.c.experiment_key, conditions.c.condition)
    statement = select(*keys).where(conditions.c.open != counted).order_by(*keys)
    return [(key, position) for key, position in connection.execute(statement)]
