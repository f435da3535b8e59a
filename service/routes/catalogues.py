"""/tasks, /models, /optimizers, /probe-kinds: what specs may name; and samples of tasks."""

from dataclasses import replace
from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from pydantic_core import to_json

from memspan.experiment.flaw import Flaw
from memspan.interfaces.task import TaskSpec
from memspan.tasks import task
from memspan.validation.places import places
from service.errors import NotFound
from service.middleware.body import json_body
from service.middleware.body_schema import documented_body
from service.middleware.field_errors import field_errors_at
from service.operations import catalogue as operations
from service.operations import task_data
from service.operations.catalogue import FamilyName
from service.routes.pooled import pooled
from service.schemas.catalogue import Catalogue, Entry, SampleRequest, Samples
from service.schemas.problem import problems

router = APIRouter(tags=["catalogue"])
PATHS: dict[str, FamilyName] = {
    "/tasks": "task", "/models": "model", "/optimizers": "optimizer", "/probe-kinds": "probe",
}  # fmt: skip


def _add(path: str, family: FamilyName) -> None:
    """The two routes of one family."""

    def listing() -> dict[str, Any]:
        return {"items": operations.entries(family)}

    example = next(iter(operations.kinds(family)), "latch")

    def look(kind: Annotated[str, Path(description="as the list names it", examples=[example])]) -> dict[str, Any]:
        return operations.entry(family, kind)

    plural, words = path.strip("/").replace("-", "_"), path.strip("/").replace("-", " ")
    listing.__doc__ = "Every kind with its title, summary, reference and JSON Schema."
    look.__doc__ = "The same of one kind."
    router.add_api_route(
        path, listing, operation_id=f"list_{plural}", summary=f"List {words}", response_model=Catalogue,
        responses=problems(),
    )  # fmt: skip
    router.add_api_route(
        path + "/{kind}", look, operation_id=f"get_{plural}", summary=f"Look at one of the {words}",
        response_model=Entry, responses=problems(404),
    )  # fmt: skip


for _path, _family in PATHS.items():
    _add(_path, _family)


def _flaws(request: Request, body: SampleRequest) -> list[Flaw]:
    """What is wrong with the fields of the task, or with the size of what is asked of it."""
    kind = request.path_params["kind"]
    operations.entry("task", kind)
    try:
        spec = task_data.sampled(request.app.state.context, _task(kind, body), body.length)
        if isinstance(spec, Flaw):
            return [replace(spec, path=("task", *spec.path))]
        return operations.flaws(spec, body.length, body.count)
    except ValidationError as error:
        fields = {"kind": kind, **body.task}
        found = [(placed.path, error) for placed in places(error, fields) for error in field_errors_at([placed])]
        return [Flaw(("task", *path), error.code, error.message, error.given) for path, error in found]


def _task(kind: str, body: SampleRequest) -> TaskSpec:
    """The task's spec, or ValidationError."""
    return task.spec(kind).model_validate_json(to_json({"kind": kind, **body.task}), strict=True)


@router.post(
    "/tasks/{kind}/samples",
    operation_id="sample_task",
    summary="Draw example sequences of a task",
    response_model=Samples,
    responses=problems(400, 404, 413, 415, 422),
    openapi_extra=documented_body(SampleRequest, {"short": {"length": 5, "count": 2, "seed": 1}}, required=False),
)
@pooled(attrgetter("plans"))
def samples(
    request: Request,
    kind: Annotated[str, Path(description="of a task", examples=["latch"])],
    body: Annotated[SampleRequest, Depends(json_body(SampleRequest, empty=b"{}", look=_flaws))],
) -> Response:
    """A few sequences with their targets and the steps that the answer depends on."""
    spec = task_data.sampled(request.app.state.context, _task(kind, body), body.length)
    if isinstance(spec, Flaw):
        raise NotFound(spec.message)  # it was there when the body was checked
    return JSONResponse(operations.samples(spec, body.length, body.count, body.seed))
