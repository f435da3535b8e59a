"""SQL over studies: experiments that were started together, one group for each time that a study was started."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from service.storage.states import RunState
from service.storage.tables import experiments, probes, runs


def start_group(connection: Connection, first: int) -> None:
    """Let an experiment be the first of a new group, which bears its key."""
    connection.execute(update(experiments).where(experiments.c.key == first).values(study_group=first))


def group(connection: Connection, study: str, key: int) -> Sequence[Row[Any]]:
    """The experiments of one group in the order of the study; none where there is no such group."""
    mine = (experiments.c.study == study, experiments.c.study_group == key)
    return connection.execute(select(experiments).where(*mine).order_by(experiments.c.key)).all()


def newest(connection: Connection) -> Sequence[Row[Any]]:
    """The experiments of the newest group of every study, in order."""
    latest = (
        select(experiments.c.study, func.max(experiments.c.study_group).label("group"))
        .where(experiments.c.study.is_not(None))
        .group_by(experiments.c.study)
        .subquery()
    )
    same = (experiments.c.study == latest.c.study) & (experiments.c.study_group == latest.c.group)
    return connection.execute(select(experiments).join(latest, same).order_by(experiments.c.key)).all()


def groups(connection: Connection, study: str, limit: int) -> Sequence[Row[Any]]:
    """The experiments of a study's newest groups, the newest group first; only what tells how they stand."""
    latest = (
        select(experiments.c.study_group)
        .where(experiments.c.study == study)
        .group_by(experiments.c.study_group)
        .order_by(experiments.c.study_group.desc())
        .limit(limit)
    )
    columns = [experiments.c[name] for name in ("key", "study_group", "study_scale", "state", "created_at")]
    mine = (experiments.c.study == study, experiments.c.study_group.in_(latest))
    statement = select(*columns).where(*mine).order_by(experiments.c.study_group.desc(), experiments.c.key)
    return connection.execute(statement).all()


def answered(connection: Connection, keys: Sequence[int]) -> dict[int, set[str]]:
    """For each experiment the forms of the answers that its probes have given: scalars, curve, surface."""
    form = probes.c.result["kind"].as_string()
    mine = (probes.c.experiment_key.in_(keys), probes.c.state == RunState.SUCCEEDED)
    found: dict[int, set[str]] = {key: set() for key in keys}
    for key, kind in connection.execute(select(probes.c.experiment_key, form).where(*mine).distinct()):
        found[key].add(kind)
    return found


def work(connection: Connection, keys: Sequence[int]) -> dict[int, tuple[float, float]]:
    """For each experiment the estimated seconds of all its runs, and the same times the epochs that each has done."""
    statement = (
        select(runs.c.experiment_key, func.sum(runs.c.cost), func.sum(runs.c.cost * runs.c.epochs_done))
        .where(runs.c.experiment_key.in_(keys))
        .group_by(runs.c.experiment_key)
    )
    return {key: (float(total), float(done)) for key, total, done in connection.execute(statement)}
