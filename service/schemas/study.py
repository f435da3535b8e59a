"""Studies in requests and answers."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from memspan.claims.study import PUBLISHED, SCALES, Scale
from memspan.interfaces.spec import Whole
from service.operations import ids
from service.operations.studies import Started
from service.schemas.catalogue import Entry
from service.schemas.experiment import Experiment, Progress, RunCounts, experiment
from service.schemas.given_budget import GivenBudget
from service.schemas.number import Answer, Link, Number
from service.schemas.plan import Plan


class StudyRequest(BaseModel):
    """How to run a study."""

    model_config = ConfigDict(extra="forbid")
    scale: Annotated[Scale, Field(description=f"{SCALES}; {PUBLISHED}")]
    seed: Annotated[
        Annotated[Whole, Field(ge=0, le=2**53 - 1)] | None, Field(description="everything random follows from it")
    ] = None

    def fields(self) -> dict[str, Any]:
        """What the study's spec is made of; a seed that was not given is the study's own."""
        return self.model_dump(exclude_none=True)


class Amendment(Answer):
    """A change of what a claim measures or asks for, made after it was written down."""

    date: str = Field(examples=["2026-11-21"])
    field: str = Field(description="what was changed: metric, direction or threshold")
    before: str = Field(description="what stood there until then")
    reason: str


class Claim(Answer):
    """A claim beside what was measured; `low` and `high` are the 95 % interval over repeats.

    The verdict is `supported` where the whole interval lies on the claim's side of the threshold, `contradicted` where
    it lies on the other side, `pending` while runs that it looks at have not ended, else `inconclusive`; `reason` then
    says why.
    """

    id: str
    text: str
    source: str = Field(description="who says so")
    metric: str = Field(description="what is measured, in words")
    direction: str = Field(description="at_least or at_most: the claim's side of the threshold")
    threshold: float = Field(description="fixed before anything was run, unless `amended` says otherwise")
    amended: list[Amendment] = Field(description="every change of metric, direction or threshold, the oldest first")
    measured: Number | None
    low: Number | None
    high: Number | None
    n: int = Field(description="repeats that it rests on")
    verdict: str
    reason: str
    budgets: list[GivenBudget] = Field(description="what the runs that it looks at were given, each once")


class StudySummary(Entry):
    """A study with what its newest group says: its experiments that were started together last."""

    question: str
    explanation: str = Field(description="why, in two sentences for a student")
    claims: list[Claim]
    group: str | None = Field(description="null before the study was ever run", examples=["group-12"])
    scale: str | None
    owner: str | None = Field(description="name of the key that started the group; null where there was none")
    state: str | None = Field(description="of the group: queued, running, paused, succeeded, partial, ...")
    progress: Progress | None
    eta_seconds: float | None
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    experiments: list[str] = Field(description="ids")
    links: Link


class StudyPart(Answer):
    """An experiment under its name in the study."""

    name: str
    id: str
    title: str
    state: str
    runs: RunCounts
    progress: Progress
    answers: list[str] = Field(description="forms of what its probes have answered: scalars, curve, surface")
    links: Link


class StudyGroup(Answer):
    """Experiments that were started together."""

    id: str
    scale: str
    state: str
    created_at: str


class Study(StudySummary):
    """A study with what one of its groups says."""

    parts: list[StudyPart]
    groups: list[StudyGroup] = Field(description="the newest first; look at one with `?group=`")


class Studies(Answer):
    """All studies."""

    items: list[StudySummary]


class StartedStudy(Answer):
    """The experiments of a study that were started together."""

    study: str
    group: str
    items: list[Experiment]
    links: Link


class PartPlan(Plan):
    """The plan of one experiment of a study."""

    name: str


class StudyPlan(Answer):
    """What a study would train; nothing is stored."""

    study: str
    scale: str
    items: list[PartPlan]
    conditions: int
    runs: int
    estimated_seconds: float
    peak_bytes: int
    workers: int
    basis: str


def started(found: Started) -> dict[str, Any]:
    """The answer to a start."""
    group = ids.public(ids.GROUP, found.group)
    return {
        "study": found.study,
        "group": group,
        "items": [experiment(view) for view in found.views],
        "links": {"self": f"/studies/{found.study}?group={group}"},
    }
