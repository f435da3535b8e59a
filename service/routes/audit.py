"""/audit: who did what, when and from where. For admins."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from service.errors import BadRequest, FieldError
from service.operations import audit as operations
from service.pagination import Page, PageQuery, page, page_query
from service.routes.dependencies import CurrentContext
from service.schemas.audit import Deed, deed
from service.schemas.problem import problems
from service.storage.audit import Narrow

router = APIRouter(prefix="/audit", tags=["access"])


def narrowed(
    key: Annotated[str | None, Query(description="of the key with this name", max_length=64)] = None,
    action: Annotated[str | None, Query(description="such as cancel_experiment, or refused", max_length=64)] = None,
    object: Annotated[str | None, Query(description="done to this, such as exp-12", max_length=64)] = None,
    since: Annotated[AwareDatetime | None, Query(description="from this time on (RFC 3339)")] = None,
    until: Annotated[AwareDatetime | None, Query(description="before this time (RFC 3339)")] = None,
) -> Narrow:
    """A FastAPI dependency that reads the filters of the trail."""
    for name, text in {"key": key, "action": action, "object": object}.items():
        if text is not None and "\0" in text:
            message = f"{name} must not hold a null character."
            raise BadRequest(message, errors=[FieldError(f"?{name}", "control_character", message, text)])
    return Narrow(key, action, object, _seconds(since), _seconds(until))


def _seconds(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()


@router.get(
    "", operation_id="list_audit", summary="Who did what", response_model=Page[Deed], responses=problems(400, 403, 422)
)
def listing(
    request: Request,
    response: Response,
    context: CurrentContext,
    paging: Annotated[PageQuery, Depends(page_query)],
    narrow: Annotated[Narrow, Depends(narrowed)],
) -> Response:
    """Everything that was done or refused, newest first; nothing of it can be changed or deleted."""
    rows = operations.listing(context, narrow, paging.after, paging.limit + 1)
    shown = rows[: paging.limit]
    last = shown[-1].key if len(rows) > paging.limit else None
    data = page([deed(row) for row in shown], last, request, response)
    return JSONResponse(data, headers=dict(response.headers))
