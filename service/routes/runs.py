"""/experiments/{id}/runs and /runs: single repeats and their metrics."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from memspan.interfaces.json_numbers import jsonable
from service.operations import runs as operations
from service.pagination import Page, PageQuery, page, page_query
from service.routes.dependencies import CurrentContext, ExperimentKey, RunKey
from service.schemas.problem import problems
from service.schemas.run import Metrics, Run, WholeRun, run, whole_run
from service.storage.states import RunState

router = APIRouter(tags=["runs"])


@router.get(
    "/experiments/{id}/runs",
    operation_id="list_runs",
    summary="List the runs of an experiment",
    response_model=Page[Run],
    responses=problems(400, 404, 422),
)
def listing(
    request: Request,
    response: Response,
    context: CurrentContext,
    key: ExperimentKey,
    paging: Annotated[PageQuery, Depends(page_query)],
    state: Annotated[RunState | None, Query(description="in this state only")] = None,
) -> Response:
    """Runs in the order of the grid, without metrics."""
    rows, grid = operations.listing(context, key, paging.after, paging.limit + 1, state)
    shown = rows[: paging.limit]
    last = shown[-1].key if len(rows) > paging.limit else None
    data = page([run(row, grid[row.condition]) for row in shown], last, request, response)
    return JSONResponse(data, headers=dict(response.headers))


@router.get(
    "/runs/{id}", operation_id="get_run", summary="Look at a run", response_model=WholeRun, responses=problems(404)
)
def look(context: CurrentContext, key: RunKey) -> Response:
    """One run: seed, state, reason, attempt, timings, final metrics and checkpoints."""
    row, condition, checkpoints = operations.look(context, key)
    return JSONResponse(jsonable(whole_run(row, condition, checkpoints)))


@router.get(
    "/runs/{id}/metrics",
    operation_id="get_run_metrics",
    summary="The metrics of a run",
    response_model=Metrics,
    responses=problems(404, 422),
)
def metrics(
    context: CurrentContext,
    key: RunKey,
    max_points: Annotated[
        int | None, Query(ge=2, le=100_000, description="of each series; the first, the last and evenly spaced others")
    ] = None,
) -> Response:
    """Every metric of every epoch, those of the test once."""
    return JSONResponse({"items": jsonable([vars(each) for each in operations.metrics_of(context, key, max_points)])})
