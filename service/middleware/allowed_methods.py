"""Allowed methods: the methods that a path answers (RFC 9110, 10.2.1)."""

from starlette.routing import Match
from starlette.types import Scope

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def allowed_methods(scope: Scope) -> list[str]:
    """The methods of the scope's path; HEAD wherever GET is.

    Each method of a path is a route of its own, and the one that refuses a request knows no method but its own.
    """
    routes = scope["app"].router.routes if "app" in scope else []
    found = [
        method
        for method in METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ["GET", "HEAD", *found[1:]] if "GET" in found else found
