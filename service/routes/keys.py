"""/keys: who is let in. For admins; the first key is made on the command line."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from service.middleware.body import json_body
from service.middleware.body_schema import documented_body
from service.operations import keys as operations
from service.operations.key_request import KeyRequest
from service.pagination import Page, PageQuery, page, page_query
from service.routes.dependencies import ApiKey as KeyNumber
from service.routes.dependencies import CurrentCaller, CurrentContext
from service.schemas.key import ApiKey, NewApiKey, key, new_key
from service.schemas.problem import problems

router = APIRouter(prefix="/keys", tags=["access"])
EXAMPLE = {"name": "lab", "scope": "run", "expires": "90d", "quota": {"queued_runs": 20_000}}


@router.get(
    "", operation_id="list_keys", summary="List keys", response_model=Page[ApiKey], responses=problems(400, 403, 422)
)
def listing(
    request: Request, response: Response, context: CurrentContext, paging: Annotated[PageQuery, Depends(page_query)]
) -> Response:
    """Every key with its scope, quota and last use, oldest first; never a secret."""
    views = operations.listing(context.database, paging.after, paging.limit + 1)
    shown = views[: paging.limit]
    last = shown[-1].row.key if len(views) > paging.limit else None
    data = page([key(view) for view in shown], last, request, response)
    return JSONResponse(data, headers=dict(response.headers))


@router.post(
    "",
    operation_id="create_key",
    summary="Make a key",
    status_code=201,
    response_model=NewApiKey,
    responses=problems(400, 403, 409, 413, 415, 422),
    openapi_extra=documented_body(KeyRequest, {"for a lab": EXAMPLE}),
)
def create(
    request: Request,
    context: CurrentContext,
    caller: CurrentCaller,
    body: Annotated[KeyRequest, Depends(json_body(KeyRequest))],
) -> Response:
    """The answer has the key's `secret`, which is stored nowhere and never shown again, not to a repeated request."""
    made = operations.create(context.database, body, caller, over_http=True)
    request.app.state.keyring.forget()
    return JSONResponse(new_key(made), status_code=201, headers={"Cache-Control": "no-store"})


@router.delete(
    "/{id}",
    operation_id="revoke_key",
    summary="Revoke a key",
    status_code=204,
    responses={204: {"description": "It lets nobody in any more."}, **problems(403, 404)},
)
def revoke(request: Request, context: CurrentContext, caller: CurrentCaller, number: KeyNumber) -> Response:
    """For good, within a second, in all processes; its event streams end."""
    operations.revoke(context.database, number, caller)
    request.app.state.keyring.forget()
    return Response(status_code=204)
