"""SQL over probes."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.clock import now
from service.storage.tables import experiments, probes


def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Queue probes; one that is already there under its fingerprint stays as it is."""
    if rows:
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        statement = make(probes).values(created_at=now()).on_conflict_do_nothing(index_elements=[probes.c.fingerprint])
        connection.execute(statement, list(rows))


def get(connection: Connection, key: int) -> Row[Any] | None:
    statement = (
        select(probes, experiments.c.spec.label("experiment_spec"))
        .join(experiments, experiments.c.key == probes.c.experiment_key)
        .where(probes.c.key == key)
    )
    return connection.execute(statement).one_or_none()


def with_fingerprints(connection: Connection, fingerprints: Sequence[str]) -> Sequence[Row[Any]]:
    return connection.execute(select(probes).where(probes.c.fingerprint.in_(fingerprints)).order_by(probes.c.key)).all()


def page(
    connection: Connection,
    after: int | None,
    limit: int,
    experiment: int | None = None,
    checkpoint: int | None = None,
    kind: str | None = None,
) -> Sequence[Row[Any]]:
    """Probes, oldest first, with keys above ``after``."""
    statement = select(probes).order_by(probes.c.key).limit(limit)
    for column, value in (
        (probes.c.experiment_key, experiment),
        (probes.c.checkpoint_key, checkpoint),
        (probes.c.kind, kind),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if after is not None:
        statement = statement.where(probes.c.key > after)
    return connection.execute(statement).all()


def of_conditions(connection: Connection, experiment: int) -> Sequence[Row[Any]]:
    """The probes over all repeats of an experiment's conditions."""
    statement = select(probes).where(probes.c.experiment_key == experiment, probes.c.checkpoint_key.is_(None))
    return connection.execute(statement.order_by(probes.c.condition, probes.c.key)).all()


def are_required(connection: Connection, experiment: int, conditions: range) -> bool:
    """Whether probes of an experiment's own spec were asked of some of its conditions."""
    asked = (probes.c.experiment_key == experiment, probes.c.required)
    inside = (probes.c.condition >= conditions.start, probes.c.condition < conditions.stop)
    return bool(connection.execute(select(exists().where(*asked, *inside))).scalar_one())


def set_result(connection: Connection, key: int, **values: Any) -> None:
    connection.execute(update(probes).where(probes.c.key == key).values(finished_at=now(), **values))
