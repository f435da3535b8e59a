"""SQL over studies: experiments that were started together, one group for each time that a study was started."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from service.storage.experiments import THERE, WHOLE, ExperimentRecord
from service.storage.records import every, reading
from service.storage.states import ExperimentState, RunState
from service.storage.tables import experiments, probes


@dataclass(frozen=True)
class StudyExperiment(ExperimentRecord):
    """An experiment that was started as part of a study."""

    study: str
    study_scale: str
    study_part: str
    study_group: int


@dataclass(frozen=True)
class GroupMember:
    """How an experiment of a group stands; ``created_at`` in seconds since 1970 UTC."""

    key: int
    study_group: int
    study_scale: str
    state: ExperimentState
    created_at: float


MEMBER = reading(GroupMember, experiments).where(THERE)


def group(connection: Connection, study: str, key: int) -> list[StudyExperiment]:
    """The experiments of one group in the order of the study; none where there is no such group."""
    mine = (experiments.c.study == study, experiments.c.study_group == key)
    return every(connection, StudyExperiment, WHOLE.where(*mine).order_by(experiments.c.key))


def group_of(connection: Connection, experiment: ExperimentRecord) -> list[StudyExperiment]:
    """The experiments that one was started together with, itself among them; none where it is part of no study."""
    if experiment.study is None or experiment.study_group is None:
        return []
    return group(connection, experiment.study, experiment.study_group)


def newest(connection: Connection) -> list[StudyExperiment]:
    """The experiments of the newest group of every study, in order."""
    latest = (
        select(experiments.c.study, func.max(experiments.c.study_group).label("group"))
        .where(experiments.c.study.is_not(None), THERE)
        .group_by(experiments.c.study)
        .subquery()
    )
    same = (experiments.c.study == latest.c.study) & (experiments.c.study_group == latest.c.group)
    return every(connection, StudyExperiment, WHOLE.join(latest, same).order_by(experiments.c.key))


def groups(connection: Connection, study: str, limit: int) -> list[GroupMember]:
    """The experiments of a study's newest groups, the newest group first; only what tells how they stand."""
    latest = (
        select(experiments.c.study_group)
        .where(experiments.c.study == study, THERE)
        .group_by(experiments.c.study_group)
        .order_by(experiments.c.study_group.desc())
        .limit(limit)
    )
    mine = (experiments.c.study == study, experiments.c.study_group.in_(latest))
    statement = MEMBER.where(*mine).order_by(experiments.c.study_group.desc(), experiments.c.key)
    return every(connection, GroupMember, statement)


def answered(connection: Connection, keys: Sequence[int]) -> dict[int, set[str]]:
    """For each experiment the forms of the answers that its probes have given: scalars, curve, surface."""
    form = probes.c.result["kind"].as_string()
    mine = (probes.c.experiment_key.in_(keys), probes.c.state == RunState.SUCCEEDED)
    found: dict[int, set[str]] = {key: set() for key in keys}
    for key, kind in connection.execute(select(probes.c.experiment_key, form).where(*mine).distinct()):
        found[key].add(kind)
    return found
