"""Experiments in answers."""

from typing import Any

from pydantic import Field

from service.operations import ids
from service.operations.experiments import ExperimentView, cancelling, membership
from service.operations.times import rfc3339
from service.schemas.number import Answer, Data, Link


class RunCounts(Answer):
    """Runs by state."""

    total: int
    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int


class Progress(Answer):
    """How much is done, counted from rows."""

    completed: float
    total: float
    unit: str


class Membership(Answer):
    """The study that an experiment serves, and its place in it."""

    kind: str
    scale: str
    part: str = Field(description="its name in the study")
    group: str = Field(description="what was started together")


class Experiment(Answer):
    """An experiment as it stands."""

    id: str = Field(examples=["exp-12"])
    name: str
    state: str = Field(description="queued, running, paused, succeeded, partial, failed or cancelled")
    cancelling: bool = Field(description="cancelled, while workers still have to let go of its runs")
    owner: str | None = Field(description="name of the key that submitted it; null where there was none")
    study: Membership | None
    spec: Data = Field(description="as accepted, with every default filled in")
    runs: RunCounts
    progress: Progress
    eta_seconds: float | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    links: Link


class Extension(Answer):
    """What an extension does with the runs."""

    field: str = Field(description="repeats or epochs")
    before: int = Field(description="of them, before")
    total: int = Field(description="of them, from now on")
    added: int = Field(description="runs that are new")
    resumed: int = Field(description="runs that go on from where they ended")
    anew: int = Field(description="runs that begin again")
    unchanged: int = Field(description="runs that diverged: more epochs would change nothing")
    because: str | None = Field(description="why runs begin again")


class ExtendedExperiment(Experiment):
    """An experiment that goes on, and how."""

    extension: Extension


class FreedAnswer(Answer):
    """What deleting would free."""

    rows: int
    bytes: int


def experiment(view: ExperimentView) -> dict[str, Any]:
    """One experiment."""
    row, name = view.row, ids.public(ids.EXPERIMENT, view.row.key)
    return {
        "id": name,
        "name": row.name,
        "state": row.state,
        "cancelling": cancelling(row),
        "owner": row.owner,
        "study": membership(row),
        "spec": row.spec,
        **view.counts,
        "eta_seconds": view.eta_seconds,
        "created_at": rfc3339(row.created_at),
        "started_at": rfc3339(row.started_at),
        "finished_at": rfc3339(row.finished_at),
        "links": {
            "self": f"/experiments/{name}",
            "events": f"/experiments/{name}/events",
            "runs": f"/experiments/{name}/runs",
            "results": f"/results/{name}",
            "cancel": f"/experiments/{name}/cancel",
            "retry": f"/experiments/{name}/retry",
            "extend": f"/experiments/{name}/extend",
        },
    }


def summary(view: ExperimentView) -> dict[str, Any]:
    """One experiment in the list of results: what it compares, without the whole spec."""
    whole = experiment(view)
    spec = whole.pop("spec")
    return whole | {
        "tasks": [task["kind"] for task in spec["tasks"]],
        "models": spec["models"],
        "lengths": spec["lengths"],
        "repeats": spec["repeats"],
    }
