"""Problem documents in the OpenAPI description."""

from typing import Any

from pydantic import BaseModel


class FaultAnswer(BaseModel):
    """One wrong field."""

    pointer: str
    code: str
    message: str
    given: Any


class ProblemAnswer(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FaultAnswer] | None = None


EXAMPLE = {
    "type": "/problems/unprocessable",
    "title": "The request is not valid",
    "status": 422,
    "detail": "1 field is wrong.",
    "instance": "/experiments",
    "request_id": "4d2f0c",
    "errors": [
        {
            "pointer": "#/models/1/hidden_size",
            "code": "out_of_range",
            "message": "Must lie between 1 and 4096.",
            "given": 1000000,
        }
    ],
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route: the problems that it may answer with."""
    content = {"application/problem+json": {"schema": ProblemAnswer.model_json_schema(), "example": EXAMPLE}}
    names = {
        400: "Can't be read",
        401: "Not trusted",
        403: "Wrong origin",
        404: "Unknown id",
        406: "Not acceptable",
        409: "Not in this state",
        413: "Too large",
        415: "Not JSON",
        416: "Range not satisfiable",
        421: "Wrong host",
        422: "Not valid",
        503: "Database away",
    }
    return {status: {"description": names[status], "content": content} for status in (*statuses, 401, 421, 503)}
