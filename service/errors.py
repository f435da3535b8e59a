"""Problems: every error a client may see, as an RFC 9457 problem document.

A problem is raised anywhere in the service with a sentence for the user; one handler
(``service.middleware.handlers``) turns it into an answer. What a document contains was often typed by a client, so
everything in it is made JSON-safe here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from memspan.validation.shown import clean, shown
from service.discretion import discreet


@dataclass(frozen=True)
class FieldError:
    """One wrong field of a request.

    Attributes:
        pointer: JSON pointer (RFC 6901) as a URI fragment in the client's own path, ``#/models/1/hidden_size``;
            for the query string ``?limit``; for a header its name.
        code: stable slug for programs, ``missing`` or ``too_large``.
        message: a sentence for people, with the limit and what was given.
        given: the value that the client sent, None where there was none.
    """

    pointer: str
    code: str
    message: str
    given: object = None

    def document(self) -> dict[str, Any]:
        """The error as JSON-safe data; an overlong ``given`` is cut."""
        return {
            "pointer": clean(self.pointer),
            "code": self.code,
            "message": clean(discreet(self.message)),
            "given": shown(self.given),
        }


class Problem(Exception):
    """Something a client is told: a status, a stable code and a sentence.

    Args:
        detail: one sentence about this occurrence, shown to the user.
        errors: the wrong fields, when the request itself is at fault.
        headers: sent with the answer.
        more_errors: how many more fields are wrong than are listed.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        more_errors: int = 0,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.more_errors = more_errors
        self.headers = dict(headers or {})

    def document(self, instance: str, request_id: str) -> dict[str, Any]:
        """The problem as RFC 9457 data, safe for any JSON encoder.

        ``type`` is a relative URI that never changes for a code: programs may compare it.
        """
        document: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": clean(discreet(self.detail)),
            "instance": clean(instance),
            "request_id": request_id,
        }
        if self.errors:
            document["errors"] = [error.document() for error in self.errors]
        if self.more_errors:
            document["more_errors"] = self.more_errors
        return document


class Internal(Problem):
    """The service failed; the log has the reason under the request id."""


class WeightsDamaged(Problem):
    """Stored weights are not what was stored, so nothing is made of them."""

    status, code, title = 500, "weights-damaged", "Stored weights are damaged"


class ModelFailed(Problem):
    """An imported model gave no answer: it refuses what it was shown, or took more than it may."""

    status, code, title = 422, "model-failed", "The model gave no answer"


class BadRequest(Problem):
    """The request can't be read at all."""

    status, code, title = 400, "bad-request", "The request can't be read"


class Unauthorized(Problem):
    """The client is not known."""

    status, code, title = 401, "unauthorized", "The client is not known"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        # RFC 9110 section 15.5.2: a 401 must say which scheme it wants.
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="memspan"', **(headers or {})})


class Forbidden(Problem):
    """The client is known and may not do this."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(Problem):
    """There is no such thing."""

    status, code, title = 404, "not-found", "Not found"


class MethodNotAllowed(Problem):
    """The path exists and knows no such method; ``Allow`` names those it has."""

    status, code, title = 405, "method-not-allowed", "Method not allowed"


class RequestTimeout(Problem):
    """The request did not arrive in the time that it has."""

    status, code, title = 408, "request-timeout", "The request took too long to arrive"


class Conflict(Problem):
    """The thing is in a state that doesn't allow this."""

    status, code, title = 409, "conflict", "The state doesn't allow this"


class TooLarge(Problem):
    """More was sent than a cap allows."""

    status, code, title = 413, "too-large", "The request is too large"


class UnsupportedMediaType(Problem):
    """The body is of a type that this path doesn't read."""

    status, code, title = 415, "unsupported-media-type", "Unsupported media type"


class Misdirected(Problem):
    """The request names a host that this service isn't."""

    status, code, title = 421, "misdirected", "The request was meant for another host"


class Unprocessable(Problem):
    """The request can be read and some of its fields are wrong."""

    status, code, title = 422, "unprocessable", "Some fields are wrong"


class QuotaExceeded(Problem):
    """More was asked for than is left of a key's quota."""

    status, code, title = 429, "quota-exceeded", "A quota is used up"


class TooManyRequests(Problem):
    """A client asks too often; ``Retry-After`` says when it may ask again."""

    status, code, title = 429, "too-many-requests", "Too many requests"


class Unavailable(Problem):
    """The service can't answer now and may soon."""

    status, code, title = 503, "unavailable", "Not available now"

    def __init__(self, detail: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class NoRoom(Problem):
    """There is too little room on disk to store more."""

    status, code, title = 507, "insufficient-storage", "Too little room on disk"


class Busy(Unavailable):
    """More is asked at once than the service takes on; asked again a little later, it has room."""

    code, title = "busy", "Too much is asked at once"
