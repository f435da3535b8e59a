"""/probes: questions to stored models and their answers."""

import time
from collections.abc import Callable
from typing import Annotated, Any

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from service.middleware.body import json_body
from service.middleware.body_schema import documented_body
from service.operations import ids
from service.operations import probes as operations
from service.operations.context import Context
from service.operations.probes import Where
from service.pagination import Page, PageQuery, page, page_query, parse_key
from service.routes.dependencies import CurrentCaller, CurrentContext, ExperimentKey, ProbeKey
from service.schemas.probe import Probe, ProbeRequest, Probes, probe
from service.schemas.problem import problems
from service.storage.probes import ProbeRecord
from service.storage.states import OPEN

router = APIRouter(tags=["probes"])
LOOK_SECONDS = 0.05
EXAMPLE = {"probe": {"kind": "change", "index": 0, "percent": 50}, "where": {"models": ["lstm"], "lengths": [10]}}
PROBE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Asked before, or done within `wait`.", "model": Probe},
    **problems(400, 404, 409, 413, 415, 422),
}


async def probe_answer(context: Context, ask: Callable[[], ProbeRecord], wait: float) -> Response:
    """The answer to a request for one probe."""
    row = await run_sync(ask)
    row = (await _waited(context, [row], wait))[0]
    location = f"/probes/{ids.public(ids.PROBE, row.key)}"
    status = 202 if row.state in OPEN else 200
    return JSONResponse(probe(row), status_code=status, headers={"Location": location} if status == 202 else {})


async def _waited(context: Context, rows: list[ProbeRecord], seconds: float) -> list[ProbeRecord]:
    """The rows once all are done, or as they are after ``seconds``."""
    end = time.monotonic() + seconds
    while any(row.state in OPEN for row in rows) and time.monotonic() < end:
        await anyio.sleep(LOOK_SECONDS)
        rows = [await run_sync(operations.look, context, row.key) for row in rows]
    return rows


@router.post(
    "/experiments/{id}/probes",
    operation_id="probe_experiment",
    summary="Ask a probe of an experiment's models",
    status_code=202,
    response_model=Probes,
    responses={200: {"description": "All are done.", "model": Probes}, **problems(400, 404, 409, 413, 415, 422)},
    openapi_extra=documented_body(ProbeRequest, {"change": EXAMPLE}),
)
async def ask_experiment(
    context: CurrentContext,
    caller: CurrentCaller,
    key: ExperimentKey,
    body: Annotated[ProbeRequest, Depends(json_body(ProbeRequest))],
    wait: Annotated[float, Query(ge=0, le=60, description="seconds to wait for the results")] = 0,
) -> Response:
    """One probe for each chosen condition, over all its repeats: mean and interval."""
    where = Where(body.where.tasks, body.where.models, body.where.lengths)
    rows = await run_sync(operations.ask_experiment, context, key, body.probe, where, body.checkpoint, caller)
    rows = await _waited(context, rows, wait)
    status = 202 if any(row.state in OPEN for row in rows) else 200
    headers = {"Location": f"/probes?experiment={ids.public(ids.EXPERIMENT, key)}"} if status == 202 else {}
    return JSONResponse({"items": [probe(row) for row in rows]}, status_code=status, headers=headers)


@router.get(
    "/probes/{id}", operation_id="get_probe", summary="Look at a probe", response_model=Probe, responses=problems(404)
)
def look(context: CurrentContext, key: ProbeKey) -> dict[str, Any]:
    """A probe's state and, when it is done, its result."""
    return probe(operations.look(context, key))


@router.get(
    "/probes",
    operation_id="list_probes",
    summary="List probes",
    response_model=Page[Probe],
    responses=problems(400, 404, 422),
)
def listing(
    request: Request,
    response: Response,
    context: CurrentContext,
    paging: Annotated[PageQuery, Depends(page_query)],
    experiment: Annotated[str | None, Query(description="of this experiment")] = None,
    checkpoint: Annotated[str | None, Query(description="of this checkpoint")] = None,
    kind: Annotated[str | None, Query(description="of this kind", max_length=64, pattern="^[a-z_0-9]*$")] = None,
) -> Response:
    """Probes, oldest first."""
    experiment_key = parse_key(ids.EXPERIMENT, experiment) if experiment else None
    checkpoint_key = parse_key(ids.CHECKPOINT, checkpoint) if checkpoint else None
    rows = operations.listing(context, paging.after, paging.limit + 1, experiment_key, checkpoint_key, kind)
    shown = rows[: paging.limit]
    last = shown[-1].key if len(rows) > paging.limit else None
    data = page([probe(row) for row in shown], last, request, response)
    return JSONResponse(data, headers=dict(response.headers))
