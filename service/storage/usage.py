"""SQL over what a caller uses: the sums that quotas are held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, cast, delete, func, select

from service.storage.clock import now
from service.storage.experiments import THERE
from service.storage.states import ACTIVE
from service.storage.tables import blobs, charges, checkpoints, datasets, experiments, runs, tallies
from service.storage.upserts import upsert

DAY = 86_400


@dataclass(frozen=True)
class Usage:
    """What a caller has waiting, stored, and asked for since midnight UTC."""

    queued_runs: int
    stored_bytes: int
    core_seconds: float


UNUSED = Usage(0, 0, 0.0)


def of_many(connection: Connection, owners: Sequence[str]) -> dict[str, Usage]:
    """What the experiments of each owner use."""
    found = zip(*(sums(connection, owners) for sums in (queued_runs, stored_bytes, charged)), strict=True)
    return {
        owner: Usage(int(queued), int(stored), seconds)
        for owner, (queued, stored, seconds) in zip(owners, found, strict=True)
    }


def queued_runs(connection: Connection, owners: Sequence[str]) -> list[float]:
    """Runs that wait, of experiments that still have something to do: what their tallies say."""
    both = experiments.join(tallies, tallies.c.experiment_key == experiments.c.key)
    mine = (experiments.c.owner.in_(owners), experiments.c.state.in_(ACTIVE))
    statement = select(experiments.c.owner, func.sum(tallies.c.queued)).select_from(both).where(*mine)
    return _by_owner(connection, statement.group_by(experiments.c.owner), owners)


def stored_bytes(connection: Connection, owners: Sequence[str]) -> list[float]:
    """Bytes of weights, where those that several checkpoints of an owner share count once, and of data sets."""
    kept = (
        select(experiments.c.owner, checkpoints.c.sha256)
        .join(runs, runs.c.experiment_key == experiments.c.key)
        .join(checkpoints, checkpoints.c.run_key == runs.c.key)
        .where(experiments.c.owner.in_(owners), THERE)
        .distinct()
        .subquery()
    )
    statement = select(kept.c.owner, func.sum(blobs.c.bytes)).join(blobs, blobs.c.sha256 == kept.c.sha256)
    weights = _by_owner(connection, statement.group_by(kept.c.owner), owners)
    own = select(datasets.c.owner, func.sum(datasets.c.bytes)).where(datasets.c.owner.in_(owners))
    sets = _by_owner(connection, own.group_by(datasets.c.owner), owners)
    return [one + other for one, other in zip(weights, sets, strict=True)]


def charged(connection: Connection, owners: Sequence[str]) -> list[float]:
    """Core-seconds that were asked for since midnight UTC."""
    mine = (charges.c.owner.in_(owners), charges.c.day == _today())
    return _by_owner(connection, select(charges.c.owner, charges.c.core_seconds).where(*mine), owners)


def _by_owner(connection: Connection, statement: Select[Any], owners: Sequence[str]) -> list[float]:
    """The sums of a statement in the order of the owners, 0 for those that it knows nothing of."""
    found = {owner: float(total) for owner, total in connection.execute(statement)}
    return [found.get(owner, 0.0) for owner in owners]


def charge(connection: Connection, owner: str, core_seconds: float) -> None:
    """Add to what an owner has asked for today; until the unit of work ends, nobody else adds to it."""
    new = upsert(connection, charges).values(owner=owner, day=_today(), core_seconds=core_seconds)
    sum_ = charges.c.core_seconds + core_seconds
    connection.execute(
        new.on_conflict_do_update(index_elements=[charges.c.owner, charges.c.day], set_={"core_seconds": sum_})
    )


def forget(connection: Connection) -> int:
    """Drop what was charged before yesterday, which no quota looks at any more; how many rows."""
    return connection.execute(delete(charges).where(charges.c.day < _today() - 1)).rowcount


def seconds_of_day(connection: Connection) -> float:
    """Seconds since midnight UTC."""
    return float(connection.execute(select(now())).scalar_one()) % DAY


def _today() -> ColumnElement[int]:
    """Days since 1970 UTC, by the database's clock."""
    return cast(func.floor(now() / DAY), Integer)
