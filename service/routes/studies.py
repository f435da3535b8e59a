"""/studies: questions with their claims; starting them; pages for browsers, JSON for programs."""

from operator import attrgetter
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from memspan.claims.study import StudySpec
from memspan.experiment.flaw import Flaw
from service.middleware.accept import prefers_html
from service.middleware.body import json_body
from service.middleware.body_schema import documented_body
from service.operations import catalogue, ids, worker_memory
from service.operations import studies as operations
from service.operations.context import Context
from service.operations.remaining_time import fleet_now
from service.pages import render_studies, render_study
from service.pagination import parse_key
from service.routes.dependencies import CurrentCaller, CurrentContext, about
from service.routes.pooled import pooled, pools_of
from service.schemas.problem import problems
from service.schemas.study import StartedStudy, Studies, Study, StudyPlan, StudyRequest, started

router = APIRouter(prefix="/studies", tags=["studies"])
HEADERS = {"Vary": "Accept", "Cache-Control": "no-cache"}
EXAMPLE = next(iter(catalogue.kinds("study")), "latch")
Kind = Annotated[str, Path(description="of a study, as the list names it", examples=[EXAMPLE])]

Form = Annotated[Literal["json"] | None, Query(description="json: this document, also for browsers")]


def _spec(kind: str, body: StudyRequest) -> StudySpec:
    """The study as it is asked for, or NotFound."""
    return operations.spec_of(kind).model_validate({"kind": kind, **body.fields()})


def _flaws(request: Request, body: StudyRequest) -> list[Flaw]:
    """What makes the study impossible under the caps of this service."""
    state, kind = request.app.state, request.path_params["kind"]
    unknown = operations.unknown_scale(kind, body.scale)
    if unknown:
        return [unknown]
    return operations.misfits(_spec(kind, body), state.settings.limits, worker_memory.room(state.context))


@router.get(
    "",
    operation_id="list_studies",
    summary="List studies: a page for browsers, JSON for programs",
    response_model=Studies,
    responses={200: {"content": {"text/html": {}}}, **problems(422)},
)
@pooled(attrgetter("results"))
def listing(request: Request, context: CurrentContext, format: Form = None) -> Response:
    """Every study with its question, its claims, and what its newest experiments say of them."""
    items = operations.listing(context)
    if format is None and prefers_html(request.scope):
        return HTMLResponse(render_studies(items), headers=HEADERS)
    return JSONResponse({"items": items}, headers=HEADERS)


def _group(
    group: Annotated[str | None, Query(description="of experiments that were started together")] = None,
) -> int | None:
    """The key of a group, or NotFound."""
    return None if group is None else parse_key(ids.GROUP, group)


@router.get(
    "/{kind}",
    operation_id="get_study",
    summary="A study: its claims, what was measured, the verdicts",
    response_model=Study,
    responses={200: {"content": {"text/html": {}}}, **problems(404, 422)},
)
@pooled(attrgetter("results"))
def look(
    request: Request,
    context: CurrentContext,
    kind: Kind,
    group: Annotated[int | None, Depends(_group)],
    format: Form = None,
) -> Response:
    """What the newest group of experiments says, or another; without any, every claim is inconclusive."""
    data = operations.look(context, kind, group)
    if format is None and prefers_html(request.scope):
        return HTMLResponse(render_study(data, _estimates(context, kind)), headers=HEADERS)
    return JSONResponse(data, headers=HEADERS)


def _estimates(context: Context, kind: str) -> dict[str, dict[str, Any]]:
    """The plan of each scale, with as many workers as there are."""
    spec, workers = operations.spec_of(kind), fleet_now(context)
    return {
        scale: operations.plans(spec.model_validate({"kind": kind, "scale": scale}), workers) for scale in spec.scales()
    }


@router.post(
    "/{kind}/experiments",
    operation_id="start_study",
    summary="Start a study",
    status_code=201,
    response_model=StartedStudy,
    responses={
        200: {"description": "With `dry_run`: the plans; nothing is stored.", "model": StudyPlan},
        **problems(400, 404, 409, 413, 415, 422),
    },
    openapi_extra=documented_body(StudyRequest, {"quick": {"scale": "quick"}, "full": {"scale": "full", "seed": 1994}}),
)
async def start(
    request: Request,
    context: CurrentContext,
    caller: CurrentCaller,
    kind: Kind,
    body: Annotated[StudyRequest, Depends(json_body(StudyRequest, look=_flaws))],
    dry_run: Annotated[bool, Query(description="answer the plans and store nothing")] = False,
) -> Response:
    """Submit all experiments of a study together; `Location` is where its verdicts will stand."""
    spec, pools = _spec(kind, body), pools_of(request)
    if dry_run:
        return JSONResponse(await pools.plans.run(lambda: operations.plans(spec, fleet_now(context))))
    key = getattr(request.state, "idempotency_key", None)
    answer = await pools.submissions.run(lambda: started(operations.start(context, spec, key, caller)))
    about(request, experiments=", ".join(each["id"] for each in answer["items"]))
    return JSONResponse(answer, status_code=201, headers={"Location": answer["links"]["self"]})
