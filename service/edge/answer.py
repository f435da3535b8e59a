"""Answers: a problem on its way out."""

import json
from typing import Any
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Scope

from service.edge.request_id import request_id_of
from service.errors import Problem

UNESCAPED_IN_PATH = "/:@!$&'()*+,;=~-._"


class ProblemResponse(Response):
    """An RFC 9457 document."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        """The document as UTF-8."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def problem_response(problem: Problem, scope: Scope) -> ProblemResponse:
    """The answer that tells a problem about the request of this scope."""
    document = problem.document(path_of(scope), request_id_of(scope))
    return ProblemResponse(document, status_code=problem.status, headers=problem.headers)


def path_of(scope: Scope) -> str:
    """The request's path as a client may see it again: percent-encoded, so that no line breaks get into logs."""
    return quote(scope["path"], safe=UNESCAPED_IN_PATH, errors="backslashreplace")
