"""Dependencies, which routes are handed: the context of operations, who asks, and keys parsed from public ids."""

from typing import Annotated

from fastapi import Depends, Path, Request
from structlog.contextvars import bind_contextvars

from service.middleware.access_log import ABOUT
from service.operations import ids
from service.operations.caller import Caller
from service.operations.context import Context
from service.pagination import parse_key


def context_of(request: Request) -> Context:
    """The one context of this process."""
    context: Context = request.app.state.context
    return context


CurrentContext = Annotated[Context, Depends(context_of)]


def caller_of(request: Request) -> Caller:
    """Who asks, as the edge settled it."""
    caller: Caller = request.state.caller
    return caller


CurrentCaller = Annotated[Caller, Depends(caller_of)]


def about(request: Request, **names: str) -> None:
    """Say what a request is about: in every line that is logged from now on, and in its own.

    What a thread binds stays with it, so it also stands where the log of requests looks.
    """
    bind_contextvars(**names)
    request.scope["state"].setdefault(ABOUT, {}).update(names)


# Not in threads: what they bind has to reach those who answer.
async def experiment_key(
    request: Request, id: Annotated[str, Path(description="an experiment's id", examples=["exp-12"])]
) -> int:
    key = parse_key(ids.EXPERIMENT, id)
    about(request, experiment=id)
    return key


async def run_key(request: Request, id: Annotated[str, Path(description="a run's id", examples=["run-345"])]) -> int:
    key = parse_key(ids.RUN, id)
    about(request, run=id)
    return key


async def checkpoint_key(
    request: Request, id: Annotated[str, Path(description="a checkpoint's id", examples=["ckpt-6"])]
) -> int:
    key = parse_key(ids.CHECKPOINT, id)
    about(request, checkpoint=id)
    return key


async def probe_key(
    request: Request, id: Annotated[str, Path(description="a probe's id", examples=["probe-7"])]
) -> int:
    key = parse_key(ids.PROBE, id)
    about(request, probe=id)
    return key


def api_key(id: Annotated[str, Path(description="a key's id", examples=["key-2"])]) -> int:
    return parse_key(ids.KEY, id)


ApiKey = Annotated[int, Depends(api_key)]


async def dataset_key(
    request: Request, id: Annotated[str, Path(description="a data set's id", examples=["data-3"])]
) -> int:
    key = parse_key(ids.DATASET, id)
    about(request, dataset=id)
    return key


DatasetKey = Annotated[int, Depends(dataset_key)]
ExperimentKey = Annotated[int, Depends(experiment_key)]
RunKey = Annotated[int, Depends(run_key)]
CheckpointKey = Annotated[int, Depends(checkpoint_key)]
ProbeKey = Annotated[int, Depends(probe_key)]
