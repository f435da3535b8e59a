"""Probes in requests and answers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from memspan.probes import AnyProbe
from service.operations import ids
from service.operations.times import rfc3339
from service.schemas.number import Answer, Data
from service.storage.probes import ProbeRecord

Kinds = Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=256)]


class Chosen(BaseModel):
    """Which conditions a probe is asked of; what is left out chooses all."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    tasks: Annotated[Kinds | None, Field(description="kinds of tasks")] = None
    models: Annotated[Kinds | None, Field(description="kinds of models")] = None
    lengths: Annotated[tuple[int, ...], Field(max_length=1_000)] | None = None


class ProbeRequest(BaseModel):
    """A probe for all repeats of an experiment's conditions."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    probe: AnyProbe
    where: Chosen = Chosen()
    checkpoint: Annotated[
        Literal["best", "last"] | None, Field(description="by default the one that the experiment reports")
    ] = None


class Probe(Answer):
    """A probe and, when it is done, its result: scalars, a curve or a surface."""

    id: str
    kind: str
    state: str
    spec: Data
    experiment: str
    condition: Annotated[int, Field(description="position among the conditions of the experiment's results, from 0")]
    checkpoint: Annotated[str | None, Field(description="null where all repeats of the condition are asked")]
    weights: Annotated[str, Field(description="best or last: which weights of its runs are asked")]
    owner: str | None = Field(description="name of the key that asked; null: the experiment's own spec, or no key")
    n: int | None
    reason: str | None
    result: Data | None
    created_at: str
    finished_at: str | None


class Probes(Answer):
    """Some probes."""

    items: list[Probe]
    next_cursor: str | None = None


def probe(row: ProbeRecord) -> dict[str, Any]:
    """One probe."""
    checkpoint = None if row.checkpoint_key is None else ids.public(ids.CHECKPOINT, row.checkpoint_key)
    return {
        "id": ids.public(ids.PROBE, row.key),
        "kind": row.kind,
        "state": row.state,
        "spec": row.spec,
        "experiment": ids.public(ids.EXPERIMENT, row.experiment_key),
        "condition": row.condition,
        "checkpoint": checkpoint,
        "weights": row.checkpoint_kind,
        "owner": row.owner,
        "n": row.n,
        "reason": row.detail,
        "result": row.result,
        "created_at": rfc3339(row.created_at),
        "finished_at": rfc3339(row.finished_at),
    }
