"""/experiments: submit, list, look, cancel, pause, resume, retry, extend, delete."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from memspan.experiment.flaw import Flaw
from memspan.experiment.flaws import flaws
from memspan.experiment.matching import matched
from memspan.experiment.memory_need import memory_flaws
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.spec import EXAMPLE, ExperimentSpec
from service.errors import BadRequest, FieldError
from service.middleware.body import json_body
from service.middleware.body_schema import documented_body
from service.operations import experiments as operations
from service.operations import extending, retrying, submission, task_data, worker_memory
from service.operations.context import Context
from service.operations.experiments import ExperimentView
from service.operations.extension import Extension
from service.operations.remaining_time import fleet_now
from service.pagination import Page, PageQuery, page, page_query
from service.routes.dependencies import CurrentCaller, CurrentContext, ExperimentKey, about
from service.routes.pooled import pools_of
from service.schemas.experiment import Experiment, ExtendedExperiment, FreedAnswer, experiment
from service.schemas.plan import Plan
from service.schemas.problem import problems
from service.storage.experiments import Filter
from service.storage.states import ExperimentState

router = APIRouter(prefix="/experiments", tags=["experiments"])


def _flaws(request: Request, spec: ExperimentSpec) -> list[Flaw]:
    """What makes a spec impossible under the caps of this service, and with the workers that it has."""
    limits = request.app.state.settings.limits
    spec, found = task_data.with_data(request.app.state.context, spec)
    if found:
        return found
    room = worker_memory.room(request.app.state.context)
    return flaws(spec, limits) or memory_flaws(matched(spec, limits).spec, room)


Spec = Annotated[ExperimentSpec, Depends(json_body(ExperimentSpec, look=_flaws))]
SMALLEST = {"tasks": [{"kind": "latch"}], "models": [{"kind": "rnn"}, {"kind": "lstm"}], "lengths": [2, 10, 50]}


@router.post(
    "",
    operation_id="submit_experiment",
    summary="Submit an experiment",
    status_code=201,
    response_model=Experiment,
    responses={
        200: {"description": "With `dry_run`: the plan; nothing is stored.", "model": Plan},
        **problems(400, 409, 413, 415, 422),
    },
    openapi_extra=documented_body(ExperimentSpec, {"smallest": SMALLEST, "latch": EXAMPLE}),
)
async def submit(
    request: Request,
    context: CurrentContext,
    caller: CurrentCaller,
    spec: Spec,
    dry_run: Annotated[bool, Query(description="answer the plan and store nothing")] = False,
) -> Response:
    """Train every task with every model at every length, `repeats` times.

    Answers at once; workers train in the background. Follow it at its `links.events`, read it at `links.results`.
    """
    pools = pools_of(request)
    if dry_run:
        return JSONResponse(await pools.plans.run(lambda: _plan(context, spec)))
    key = getattr(request.state, "idempotency_key", None)
    answer = await pools.submissions.run(lambda: experiment(operations.submit(context, spec, key, caller)))
    about(request, experiment=answer["id"])
    return JSONResponse(answer, status_code=201, headers={"Location": answer["links"]["self"]})


def _plan(context: Context, spec: ExperimentSpec) -> dict[str, Any]:
    """The plan, with the workers that are there."""
    workers = fleet_now(context)
    if spec.device == "gpu" and not workers.gpu_workers:
        raise submission.no_gpu()
    spec = matched(task_data.settled(context, spec), context.settings.limits).spec
    placements = Placements(spec, gpu=workers.gpu_workers > 0)
    return {"spec": spec.model_dump(mode="json"), **asdict(plan(placements, workers))}


def narrowed(
    state: Annotated[ExperimentState | None, Query(description="in this state only")] = None,
    task: Annotated[str | None, Query(description="with a task of this kind", max_length=64)] = None,
    model: Annotated[str | None, Query(description="with a model of this kind", max_length=64)] = None,
    study: Annotated[str | None, Query(description="of this study", max_length=64)] = None,
    label: Annotated[str | None, Query(description="with this label", max_length=64)] = None,
    q: Annotated[str | None, Query(description="with these words in the name", max_length=200)] = None,
    owner: Annotated[str | None, Query(description="of the key with this name", max_length=64)] = None,
) -> Filter:
    """A FastAPI dependency that reads the filters of a list of experiments."""
    texts = {"task": task, "model": model, "study": study, "label": label, "q": q, "owner": owner}
    for name, text in texts.items():
        if text is not None and "\0" in text:
            message = f"{name} must not hold a null character."
            raise BadRequest(message, errors=[FieldError(f"?{name}", "control_character", message, text)])
    words = (("task", task), ("model", model), ("label", label))
    kinds = tuple(submission.word(name, value) for name, value in words if value is not None)
    return Filter(state, kinds, study, q, owner)


Narrow = Annotated[Filter, Depends(narrowed)]


@router.get(
    "",
    operation_id="list_experiments",
    summary="List experiments, newest first",
    response_model=Page[Experiment],
    responses=problems(400, 422),
)
def listing(
    request: Request,
    response: Response,
    context: CurrentContext,
    paging: Annotated[PageQuery, Depends(page_query)],
    narrow: Narrow,
) -> Response:
    """Experiments with their counts; narrow them by state, task, model, study, label, owner or words of the name."""
    return JSONResponse(listed(request, response, context, paging, narrow), headers=dict(response.headers))


Show = Callable[[ExperimentView], dict[str, Any]]


def listed(
    request: Request, response: Response, context: Context, paging: PageQuery, narrow: Filter, show: Show = experiment
) -> dict[str, Any]:
    """One page of experiments as data."""
    views = operations.listing(context, narrow, paging.after, paging.limit + 1)
    shown, more = views[: paging.limit], len(views) > paging.limit
    last = shown[-1].row.key if more else None
    return page([show(view) for view in shown], last, request, response)


@router.get(
    "/{id}",
    operation_id="get_experiment",
    summary="Look at an experiment",
    response_model=Experiment,
    responses=problems(404),
)
def look(context: CurrentContext, key: ExperimentKey) -> dict[str, Any]:
    """An experiment's spec, state, counts and progress."""
    return experiment(operations.look(context, key))


def _changed(response: Response, outcome: tuple[ExperimentView, bool]) -> dict[str, Any]:
    """202 for a change under way, 200 for one that had been made before."""
    view, changed = outcome
    response.status_code = 202 if changed else 200
    return experiment(view)


CHANGE: dict[str, Any] = {
    "status_code": 202,
    "response_model": Experiment,
    "responses": {
        200: {"description": "It was in that state already.", "model": Experiment},
        **problems(403, 404, 409),
    },
}


@router.post("/{id}/cancel", operation_id="cancel_experiment", summary="Cancel an experiment", **CHANGE)
def cancel(response: Response, context: CurrentContext, caller: CurrentCaller, key: ExperimentKey) -> dict[str, Any]:
    """What waits is cancelled now, what runs within a slice (MEMSPAN_SLICE_SECONDS, 15 s by default).

    Finished runs stay.
    """
    return _changed(response, operations.cancel(context, key, caller))


@router.post("/{id}/pause", operation_id="pause_experiment", summary="Pause an experiment", **CHANGE)
def pause(response: Response, context: CurrentContext, caller: CurrentCaller, key: ExperimentKey) -> dict[str, Any]:
    """What runs is stored and put back within a slice (MEMSPAN_SLICE_SECONDS, 15 s by default); nothing is lost."""
    return _changed(response, operations.pause(context, key, caller))


@router.post("/{id}/resume", operation_id="resume_experiment", summary="Resume a paused experiment", **CHANGE)
def resume(response: Response, context: CurrentContext, caller: CurrentCaller, key: ExperimentKey) -> dict[str, Any]:
    """Runs go on from where they were stored, to the very same numbers."""
    return _changed(response, operations.resume(context, key, caller))


@router.post(
    "/{id}/retry",
    operation_id="retry_experiment",
    summary="Retry what failed",
    status_code=202,
    response_model=Experiment,
    responses=problems(403, 404, 409, 422),
)
def retry(context: CurrentContext, caller: CurrentCaller, key: ExperimentKey) -> dict[str, Any]:
    """Failed and cancelled runs of an ended experiment start again, to the numbers that they would have had at first.

    Probes without an answer are asked again, and those over repeats among which a run starts again. The experiment's
    `limits.max_seconds` begin anew. 409 while it is active, and where everything has succeeded.
    """
    return experiment(retrying.retry(context, key, caller))


@router.post(
    "/{id}/extend",
    operation_id="extend_experiment",
    summary="Ask for more repeats or epochs",
    status_code=202,
    response_model=ExtendedExperiment,
    responses=problems(400, 403, 404, 409, 413, 415, 422),
    openapi_extra=documented_body(Extension, {"repeats": {"repeats": 20}, "epochs": {"epochs": 50}}),
)
async def extend(
    request: Request,
    context: CurrentContext,
    caller: CurrentCaller,
    key: ExperimentKey,
    asked: Annotated[Extension, Depends(json_body(Extension))],
) -> Response:
    """Give an ended experiment `repeats` or `epochs` more; all numbers are those of asking for them at once.

    More epochs are trained on top of stored weights where the optimiser remembers nothing else (sgd without momentum),
    else from the beginning: `extension` says how many runs do which, and why. Answers of probes over repeats are asked
    again. 409 for what is active or cancelled, searches for lengths, or is part of a study.
    """
    view, done = await pools_of(request).submissions.run(lambda: extending.extend(context, key, asked, caller))
    return JSONResponse(experiment(view) | {"extension": asdict(done)}, status_code=202)


@router.delete(
    "/{id}",
    operation_id="delete_experiment",
    summary="Delete a finished experiment",
    status_code=204,
    responses={
        200: {"description": "With `dry_run`: the rows and bytes it would free.", "model": FreedAnswer},
        204: {"description": "It is gone."},
        **problems(404, 409),
    },
)
def delete(
    context: CurrentContext,
    caller: CurrentCaller,
    key: ExperimentKey,
    dry_run: Annotated[bool, Query(description="answer what it would free, and delete nothing")] = False,
) -> Response:
    """Delete its runs, metrics, checkpoints, probes and events for good; weights that others use stay.

    It is gone at once; of a large one the rows go behind that. The headers `Freed-Rows` and `Freed-Bytes` say what that
    frees; with `Freed-Estimated: true` not all of it was counted. A dry run counts all.
    """
    freed = operations.delete(context, key, dry_run, caller)
    if dry_run:
        return JSONResponse({"rows": freed.rows, "bytes": freed.bytes})
    headers = {"Freed-Rows": str(freed.rows), "Freed-Bytes": str(freed.bytes)}
    return Response(status_code=204, headers=headers if freed.exact else {**headers, "Freed-Estimated": "true"})
