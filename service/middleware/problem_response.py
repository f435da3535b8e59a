"""Problem responses: a problem on its way out."""

import json
from typing import Any
from urllib.parse import quote

from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from service.errors import Problem
from service.middleware.accept import prefers_html
from service.middleware.request_id import request_id_of

UNESCAPED_IN_PATH = "/:@!$&'()*+,;=~-._"


class ProblemResponse(Response):
    """An RFC 9457 document."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        """The document as UTF-8."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def problem_response(problem: Problem, scope: Scope) -> Response:
    """The answer that tells a problem about the request of this scope.

    A browser gets it as a page, made by ``app.state.problem_page`` where an application has one.
    """
    document = problem.document(path_of(scope), request_id_of(scope))
    headers = {**problem.headers, "Vary": "Accept"}
    page = getattr(scope["app"].state, "problem_page", None) if "app" in scope else None
    if page is not None and prefers_html(scope):
        return HTMLResponse(page(document), status_code=problem.status, headers=headers)
    return ProblemResponse(document, status_code=problem.status, headers=headers)


def path_of(scope: Scope) -> str:
    """The request's path as a client may see it again: percent-encoded, so that no line breaks get into logs."""
    return quote(scope["path"], safe=UNESCAPED_IN_PATH, errors="backslashreplace")
