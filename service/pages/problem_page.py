"""An error as a page for a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.pages.environment import environment


def render_problem(document: Mapping[str, Any]) -> str:
    """The problem document (RFC 9457) that a program would get, for a person."""
    return environment().get_template("problem.html").render(problem=document)
