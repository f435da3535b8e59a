"""Handlers: every error, whatever raised it, becomes a problem document."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Scope

from memspan.validation.pointer import pointer, subject
from memspan.validation.sentences import code, sentence
from service import errors
from service.errors import FieldError, Internal, Problem
from service.middleware.allowed_methods import allowed_methods
from service.middleware.field_errors import unprocessable
from service.middleware.problem_response import path_of, problem_response
from service.middleware.request_id import HEADER, request_id_of
from service.storage.database_errors import AWAY, NoConnection, ValueRefused, is_full

UNAVAILABLE = (*AWAY, NoConnection)
BODILESS = frozenset({204, 304})
READING = frozenset({"GET", "HEAD"})

log = structlog.stdlib.get_logger("memspan.errors")

BY_STATUS: Mapping[int, type[Problem]] = {
    kind.status: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, Problem) and kind.status not in (500, 503)
}
"""The problem of a bare HTTP status."""


def install_handlers(app: FastAPI) -> None:
    """Make the application answer every error as ``application/problem+json``."""
    for kind in (Problem, HTTPException, RequestValidationError, ValueRefused, *UNAVAILABLE, Exception):
        app.add_exception_handler(kind, answer_error)


async def answer_error(request: Request, error: Exception) -> Response:
    """The answer to any exception; one that nobody foresaw is logged and told as a 500 without its reasons."""
    if isinstance(error, HTTPException) and error.status_code in BODILESS:
        return Response(status_code=error.status_code, headers=error.headers)
    response = problem_response(problem_of(error, request.scope), request.scope)
    # An error outside the RequestId layer passes no code that would set it.
    response.headers[HEADER] = request_id_of(request.scope)
    return response


def problem_of(error: Exception, scope: Scope) -> Problem:
    """What a client is told about an exception."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return unprocessable([_field_error(item) for item in error.errors()])
        case HTTPException():
            return _http_problem(error, scope)
        case ClientDisconnect():
            return errors.BadRequest("The client went away before its request was complete.")
        case ValueRefused():
            # What no field's type has caught: a null character in a text, a number too large for its column.
            log.warning("value_refused_by_database", request_id=request_id_of(scope), exc_info=error)
            return errors.Unprocessable("Some value holds a character or a size that can't be stored.")
        case _ if is_full(error) and scope["method"] not in READING:
            log.error("disk_full", request_id=request_id_of(scope), path=path_of(scope), exc_info=error)
            return errors.NoRoom("The disk of the database is full: nothing can be stored until there is room.")
        case _ if isinstance(error, UNAVAILABLE):
            log.warning("database_unavailable", request_id=request_id_of(scope), path=path_of(scope), exc_info=error)
            return errors.Unavailable("The database can't be used just now; ask again soon.", retry_after_seconds=2)
        case _:
            log.error("unforeseen_error", request_id=request_id_of(scope), path=path_of(scope), exc_info=error)
            return Internal(f"The service failed; its log tells why under request id {request_id_of(scope)}.")


def _http_problem(error: HTTPException, scope: Scope) -> Problem:
    """The problem of a bare HTTP exception, as the router raises for unknown paths and methods."""
    headers = dict(error.headers or {})
    if error.status_code == errors.MethodNotAllowed.status:
        headers["Allow"] = ", ".join(allowed_methods(scope)) or headers.get("Allow", "")
    detail = _detail(error, scope, headers)
    kind = BY_STATUS.get(error.status_code)
    if kind is errors.Unauthorized:
        return errors.Unauthorized(detail, headers=headers)
    return (kind or _bare(error.status_code))(detail, headers=headers)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else f"Status {status}"


def _bare(status: int) -> type[Problem]:
    """A problem for a status that has no name of its own in ``service.errors``."""
    phrase = _phrase(status)
    return type(
        "HttpProblem",
        (Problem,),
        {"status": status, "code": re.sub(r"[^a-z0-9]+", "-", phrase.lower()), "title": phrase},
    )


def _detail(error: HTTPException, scope: Scope, headers: Mapping[str, str]) -> str:
    if str(error.detail) != _phrase(error.status_code):
        return str(error.detail)
    match error.status_code:
        case 404:
            return f"There is nothing at {path_of(scope)}."
        case 405:
            return f"{path_of(scope)} doesn't answer {scope['method']}; it answers {headers['Allow']}."
        case _:
            return f"{error.detail}."


def _field_error(error: Mapping[str, Any]) -> FieldError:
    """A wrong parameter; ``?limit`` points at the query, ``{experiment_id}`` at the path, ``#/...`` at the body."""
    place, *path = error["loc"]
    given = None if error["type"] == "missing" else error.get("input")
    message = sentence(subject(tuple(path)), error, given)
    return FieldError(_parameter_pointer(str(place), path), code(error), message, given)


def _parameter_pointer(place: str, path: Sequence[str | int]) -> str:
    match place:
        case "query":
            return f"?{path[0]}"
        case "path":
            return "{" + str(path[0]) + "}"
        case "body":
            return pointer(tuple(path))
        case _:
            return str(path[0])
