"""Permission: whether the caller's scope covers the route, settled before the body and before any stored answer."""

from starlette.routing import Match, compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import Forbidden
from service.middleware.problem_response import problem_response
from service.middleware.scopes import NEEDED, UNLOCKED
from service.operations.caller import Caller
from service.scopes import Scope as Granted

TEMPLATES = tuple((method, compile_path(path)[0], wanted) for (method, path), wanted in NEEDED.items())


class Permission:
    """Answers 403 to a key that lacks what the route needs; ``Access``, which says who asks, must stand outside.

    What no route answers goes on to the router, which says so: a path that isn't there needs no scope.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve those who may ask for this."""
        try:
            _require(scope)
        except Forbidden as problem:
            await problem_response(problem, scope)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _require(scope: Scope) -> None:
    """Forbidden unless the caller has the scope that the route needs."""
    caller: Caller | None = scope.get("state", {}).get("caller")
    if caller is None or caller.scope is Granted.ADMIN or scope["path"] in UNLOCKED:
        return  # an admin may do everything, so nobody looks for the route
    if (wanted := _needed(scope)) is not None:
        caller.require(wanted)


def _needed(scope: Scope) -> Granted | None:
    """The scope of the table; an admin's for a route that is missing there, None for what isn't answered."""
    for method, path, wanted in TEMPLATES:
        if method == scope["method"] and path.match(scope["path"]):
            return wanted
    routes = scope["app"].router.routes
    return Granted.ADMIN if any(route.matches(scope)[0] is Match.FULL for route in routes) else None
