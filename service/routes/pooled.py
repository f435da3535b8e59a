"""Pooled routes: those that compute, each in the pool of what it computes."""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import ParamSpec, TypeVar

from fastapi import Request

from service.pools import Pool, Pools

P = ParamSpec("P")
T = TypeVar("T")


def pools_of(request: Request) -> Pools:
    """The pools of this process."""
    pools: Pools = request.app.state.pools
    return pools


def pooled(choose: Callable[[Pools], Pool]) -> Callable[[Callable[P, T]], Callable[P, Awaitable[T]]]:
    """Run a route in a pool: ``@pooled(attrgetter("results"))`` below the router's own decorator.

    The route must take ``request``. When its pool is full it is answered with 503.
    """

    def wrapped(route: Callable[P, T]) -> Callable[P, Awaitable[T]]:
        @wraps(route)
        async def run(*args: P.args, **kwargs: P.kwargs) -> T:
            request = kwargs["request"]
            if not isinstance(request, Request):
                raise TypeError("A pooled route takes the request as request.")
            return await choose(pools_of(request)).run(partial(route, *args, **kwargs))

        return run

    return wrapped
