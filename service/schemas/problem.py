"""Problem documents in the OpenAPI description."""

from typing import Any

from pydantic import BaseModel, Field

MEDIA = "application/problem+json"
DESCRIPTIONS: dict[int, str] = {
    400: "The request can't be read: no JSON, a cursor or a header of the wrong form.",
    401: "The client is not known: it has no key, or one that lets nobody in.",
    403: "Not allowed: the key lacks the scope that is named, or a page of another site asks.",
    404: "There is no such thing.",
    409: "The state doesn't allow this, or a request with the same Idempotency-Key is still being answered.",
    413: "More was sent than a cap allows; the sentence names the cap.",
    415: "The body is not JSON in UTF-8.",
    416: "The range lies outside the file.",
    421: "The Host is none that is served here.",
    422: "Some fields are wrong; `errors` names all of them.",
    500: "Stored weights are damaged: no numbers are made of them; `memspan doctor` says more.",
    429: "The key asks too often, or for more than its quota leaves; `Retry-After` says when to ask again.",
    503: "The database can't be used just now, or more is asked at once than is taken on (`/problems/busy`): ask again "
    "after `Retry-After` seconds.",
    507: "There is too little room on disk to store more; what was stored can be read, and deleted.",
}


class FieldError(BaseModel):
    """One wrong field."""

    pointer: str = Field(
        description="where, in the client's own path: `#/models/1/hidden_size` of the body, `?limit` of the query, "
        "the name of a header"
    )
    code: str = Field(description="what is wrong, for programs: missing, unknown_kind, out_of_range, ...")
    message: str = Field(description="the same for people, with the limit and what was given")
    given: Any = Field(description="what was sent; cut when it is long, null where there was nothing")


class Problem(BaseModel):
    """Every error: an RFC 9457 problem document."""

    type: str = Field(description="a relative URI that names the kind of problem and never changes")
    title: str
    status: int
    detail: str = Field(description="one sentence about this very occurrence")
    instance: str = Field(description="the path that was asked")
    request_id: str = Field(description="also in the header X-Request-Id and in the log")
    errors: list[FieldError] = Field(
        default=[], description="all wrong fields at once, at most 100; left out where there are none"
    )
    more_errors: int = Field(default=0, description="wrong fields beside those; left out where there are none")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route: the problems of its own; those of every route are added to the description."""
    return {status: {"description": DESCRIPTIONS[status], "content": {MEDIA: {}}} for status in statuses}
