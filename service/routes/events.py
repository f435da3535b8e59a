"""/experiments/{id}/events: what happens to an experiment, as it happens."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from service.errors import BadRequest, FieldError
from service.operations import events as operations
from service.operations.events import Happening
from service.pagination import Page, decode_cursor, page
from service.routes.dependencies import CurrentContext, ExperimentKey
from service.schemas.events import Event
from service.schemas.problem import problems

router = APIRouter(tags=["experiments"])
BIGGEST = 2**63 - 1


@router.get(
    "/experiments/{id}/events",
    operation_id="get_events",
    summary="Follow an experiment",
    response_model=Page[Event],
    responses={
        200: {
            "description": "A stream, or with `Accept: application/json` a page.",
            "content": {"text/event-stream": {}},
        },
        **problems(400, 404, 422),
    },
)
async def events(
    request: Request,
    response: Response,
    context: CurrentContext,
    key: ExperimentKey,
    last_event_id: Annotated[str | None, Header(description="go on behind this event")] = None,
    after: Annotated[int | None, Query(ge=0, le=BIGGEST, description="the same, for a page")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="events of a page")] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
) -> Response:
    """Server-sent events `state`, `runs`, `progress` and `probe`, from the first one on or behind `Last-Event-ID`.

    The stream ends when the experiment does, or the key that it was asked with; reconnecting with the last id misses
    nothing and repeats nothing.
    """
    start = _start(cursor, after, last_event_id)
    await run_sync(operations.check, context, key)
    if "application/json" in request.headers.get("accept", ""):
        happenings = await run_sync(operations.after, context, key, start, limit + 1)
        items = [_item(each) for each in happenings[:limit]]
        last = items[-1]["id"] if len(happenings) > limit else None
        data = page(items, last, request, response)
        return JSONResponse(data, headers=dict(response.headers) | {"Vary": "Accept"})
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Vary": "Accept"}
    happenings_to_come = request.app.state.event_feeds.follow(key, start)
    stream = request.app.state.keyring.while_let_in(happenings_to_come, request.state.key_sha256)
    return StreamingResponse(_written(stream), media_type="text/event-stream", headers=headers)


def _start(cursor: str | None, after: int | None, last_event_id: str | None) -> int:
    """The event behind which to go on: a cursor of a page, or a number."""
    if cursor is not None:
        return max(int(decode_cursor(cursor, {"k": int})["k"]), 0)
    return after if after is not None else _sequence(last_event_id)


def _sequence(last_event_id: str | None) -> int:
    if last_event_id is None or last_event_id == "":
        return 0
    if last_event_id.isascii() and last_event_id.isdigit() and int(last_event_id[:20]) <= BIGGEST:
        return int(last_event_id)
    message = "Last-Event-ID must be the id of an event of this stream, a whole number."
    raise BadRequest(message, errors=[FieldError("Last-Event-ID", "wrong_form", message, last_event_id)])


def _item(event: Happening) -> dict[str, Any]:
    return {"id": event.sequence, "type": event.type, "at": event.at, "data": event.body}


async def _written(stream: AsyncIterator[Happening | None]) -> AsyncIterator[bytes]:
    """Events in the format of server-sent events; a comment where there was nothing to tell for a while."""
    yield b"retry: 1000\n\n"
    async for event in stream:
        if event is None:
            yield b": still there\n\n"
        else:
            data = json.dumps(event.body, separators=(",", ":"))
            yield f"id: {event.sequence}\nevent: {event.type}\ndata: {data}\n\n".encode()
