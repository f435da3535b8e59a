"""/datasets: series and sequences of a user's own."""

from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from memspan.tables.options import ReadOptions
from service.errors import BadRequest, FieldError
from service.operations import datasets as operations
from service.pagination import Page, PageQuery, page, page_query
from service.routes.dependencies import CurrentCaller, CurrentContext, DatasetKey, about
from service.routes.pooled import pooled
from service.routes.representation import not_modified, unchanged
from service.routes.sent_file import SentFile, parsed_options, sent_file
from service.schemas.dataset import Dataset, DatasetDescription, DatasetPreview, dataset, described, preview
from service.schemas.problem import problems

router = APIRouter(prefix="/datasets", tags=["datasets"])
FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
FORM: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "options": {"type": "string", "contentMediaType": "application/json", "description": "how to read it"},
        },
        "additionalProperties": False,
    }
}
CSV = {**FILE, "examples": {"two columns": {"value": "day,demand\n2026-01-01,10.5\n2026-01-02,11.25\n"}}}
BODY = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": CSV, "application/octet-stream": FILE, "multipart/form-data": FORM},
    }
}


@router.post(
    "",
    operation_id="upload_dataset",
    summary="Send a data set",
    status_code=201,
    response_model=Dataset,
    responses={
        200: {
            "description": "With `dry_run`: what would be understood; nothing is stored.",
            "model": DatasetDescription,
        },
        **problems(400, 409, 413, 415, 422),
    },
    openapi_extra=BODY,
)
@pooled(attrgetter("uploads"))
def upload(
    request: Request,
    context: CurrentContext,
    caller: CurrentCaller,
    sent: Annotated[SentFile, Depends(sent_file)],
    dry_run: Annotated[bool, Query(description="answer what would be understood and store nothing")] = False,
) -> Response:
    """CSV, Parquet, NPY or NPZ, told apart by their first bytes: the body itself, or the `file` of a form.

    The answer says what was understood: columns with types and ranges, what is missing, encoding, separator, decimal
    mark, time column and step. What is wrong is told by row and column, the first hundred at once; then nothing is
    stored. `options` say what was guessed wrongly.
    """
    options = parsed_options(ReadOptions, sent.options)
    if dry_run:
        return JSONResponse(described(operations.rehearse(context, sent.file, options)))
    answer = dataset(operations.add(context, sent.name, sent.file, options, caller))
    about(request, dataset=answer["id"])
    return JSONResponse(answer, status_code=201, headers={"Location": answer["links"]["self"]})


@router.get(
    "",
    operation_id="list_datasets",
    summary="List data sets",
    response_model=Page[Dataset],
    responses=problems(400, 422),
)
def listing(
    request: Request,
    response: Response,
    context: CurrentContext,
    paging: Annotated[PageQuery, Depends(page_query)],
    q: Annotated[str | None, Query(description="with these words in the name", max_length=200)] = None,
) -> Response:
    """Data sets, newest first."""
    if q is not None and "\0" in q:
        message = "q must not hold a null character."
        raise BadRequest(message, errors=[FieldError("?q", "control_character", message, q)])
    rows = operations.listing(context, q, paging.after, paging.limit + 1)
    shown = rows[: paging.limit]
    last = shown[-1].key if len(rows) > paging.limit else None
    data = page([dataset(row) for row in shown], last, request, response)
    return JSONResponse(data, headers=dict(response.headers))


@router.get(
    "/{id}",
    operation_id="get_dataset",
    summary="Look at a data set",
    response_model=Dataset,
    responses={304: {"description": "The client has it already."}, **problems(404)},
)
def look(request: Request, context: CurrentContext, key: DatasetKey) -> Response:
    """What was understood of it; it never changes."""
    row = operations.look(context, key)
    etag = f'"{row.sha256}-{row.key}"'
    if not_modified(request, etag):
        return unchanged(etag)
    return JSONResponse(dataset(row), headers={"ETag": etag})


@router.get(
    "/{id}/preview",
    operation_id="preview_dataset",
    summary="Look into a data set",
    response_model=DatasetPreview,
    responses=problems(404),
)
def look_into(context: CurrentContext, key: DatasetKey) -> dict[str, Any]:
    """Its first rows, and each column of numbers in up to 200 pieces with mean, least and largest value."""
    return preview(key, operations.preview(context, key))


@router.delete(
    "/{id}",
    operation_id="delete_dataset",
    summary="Delete a data set",
    status_code=204,
    responses={204: {"description": "It is gone."}, **problems(403, 404, 409)},
)
def delete(context: CurrentContext, caller: CurrentCaller, key: DatasetKey) -> Response:
    """409 while an active experiment uses it. What was trained on it stays, with its results."""
    operations.delete(context, key, caller)
    return Response(status_code=204)
