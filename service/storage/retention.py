"""SQL of retention: its rules, what is due by them, and dropping weights in short units of work."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, func, select, update

from service.storage import deletion
from service.storage.clock import now
from service.storage.deletion import Freed
from service.storage.experiments import THERE
from service.storage.records import every, reading
from service.storage.states import ENDED, Keep
from service.storage.tables import blobs, checkpoints, experiments, probes, retention_rules, runs
from service.storage.upserts import upsert

DAY_SECONDS = 86_400.0
AT_ONCE = 200
"""checkpoints that one unit of work drops"""


@dataclass(frozen=True)
class Rule:
    """What is kept of experiments with a label, ``days`` after their end."""

    label: str
    days: float
    keep: Keep


@dataclass(frozen=True)
class EndedExperiment:
    """An experiment that has ended.

    Attributes:
        kinds: words like " task:latch label:x ".
        age_days: since its end.
        kept: what an earlier round has left; None: everything.
    """

    key: int
    name: str
    kinds: str
    age_days: float
    kept: str | None


RULES = reading(Rule, retention_rules).order_by(retention_rules.c.label)
AGE = (now() - experiments.c.finished_at) / DAY_SECONDS
OLD = reading(EndedExperiment, experiments, age_days=AGE).where(experiments.c.state.in_(ENDED), THERE)


def rules(connection: Connection) -> list[Rule]:
    return every(connection, Rule, RULES)


def put(connection: Connection, rule: Rule) -> None:
    """Store a rule in the place of the one that its label had."""
    values = {"days": rule.days, "keep": rule.keep}
    statement = upsert(connection, retention_rules).values(label=rule.label, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[retention_rules.c.label], set_=values))


def remove(connection: Connection, label: str) -> bool:
    """Remove the rule of a label; whether there was one."""
    return connection.execute(delete(retention_rules).where(retention_rules.c.label == label)).rowcount > 0


def older(connection: Connection, days: float) -> list[EndedExperiment]:
    """Experiments that ended longer than some days ago, oldest first."""
    statement = OLD.where(experiments.c.finished_at < now() - days * DAY_SECONDS)
    return every(connection, EndedExperiment, statement.order_by(experiments.c.finished_at, experiments.c.key))


def size(connection: Connection, experiment: int, keep: Keep) -> Freed:
    """What bringing an experiment to that would free; weights that others use stay."""
    if keep is Keep.NOTHING:
        return deletion.size(connection, experiment)
    rows = connection.execute(select(func.count()).select_from(_due(experiment, keep).subquery())).scalar_one()
    mine = _due(experiment, keep).with_only_columns(checkpoints.c.key)
    due = exists().where(checkpoints.c.sha256 == blobs.c.sha256, checkpoints.c.key.in_(mine))
    others = exists().where(checkpoints.c.sha256 == blobs.c.sha256, checkpoints.c.key.not_in(mine))
    statement = select(func.count(), func.coalesce(func.sum(blobs.c.bytes), 0)).where(due, ~others)
    count, size_bytes = connection.execute(statement).one()
    return Freed(int(rows + count), int(size_bytes))


def drop_some(connection: Connection, experiment: int, keep: Keep) -> Freed:
    """Drop some weights of an experiment, with the answers that were asked of them alone; note when none is left."""
    deletion.take_turn(connection)
    found = connection.execute(_due(experiment, keep).order_by(checkpoints.c.sha256).limit(AT_ONCE)).all()
    if not found:
        mine = experiments.c.key == experiment
        connection.execute(update(experiments).where(mine).values(kept=keep))
        return Freed(0, 0)
    names = sorted({row.sha256 for row in found})
    deletion.lock_weights(connection, names)
    keys = [row.key for row in found]
    answers = connection.execute(delete(probes).where(probes.c.checkpoint_key.in_(keys))).rowcount
    connection.execute(delete(checkpoints).where(checkpoints.c.key.in_(keys)))
    weights = deletion.drop_unused(connection, names)
    return Freed(len(keys) + answers + weights.rows, weights.bytes)


def _due(experiment: int, keep: Keep) -> Select[int, str]:
    """The checkpoints of an experiment that a rule doesn't keep."""
    of_it: list[ColumnElement[bool]] = [runs.c.experiment_key == experiment]
    if keep is Keep.BEST:
        of_it.append(checkpoints.c.kind != "best")
    joined = select(checkpoints.c.key, checkpoints.c.sha256).join(runs, runs.c.key == checkpoints.c.run_key)
    return joined.where(*of_it)
