"""Dependencies, which routes are handed: the context of operations, and keys parsed from public ids."""

from typing import Annotated

from fastapi import Depends, Path, Request

from service.operations import ids
from service.operations.context import Context
from service.pagination import parse_key


def context_of(request: Request) -> Context:
    """The one context of this process."""
    context: Context = request.app.state.context
    return context


CurrentContext = Annotated[Context, Depends(context_of)]


def experiment_key(id: Annotated[str, Path(description="an experiment's id", examples=["exp-12"])]) -> int:
    return parse_key(ids.EXPERIMENT, id)


def run_key(id: Annotated[str, Path(description="a run's id", examples=["run-345"])]) -> int:
    return parse_key(ids.RUN, id)


def checkpoint_key(id: Annotated[str, Path(description="a checkpoint's id", examples=["ckpt-6"])]) -> int:
    return parse_key(ids.CHECKPOINT, id)


def probe_key(id: Annotated[str, Path(description="a probe's id", examples=["probe-7"])]) -> int:
    return parse_key(ids.PROBE, id)


ExperimentKey = Annotated[int, Depends(experiment_key)]
RunKey = Annotated[int, Depends(run_key)]
CheckpointKey = Annotated[int, Depends(checkpoint_key)]
ProbeKey = Annotated[int, Depends(probe_key)]
