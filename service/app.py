"""The application: routes, pages and the edge around them."""

from asyncio import create_task, to_thread
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import torch
from fastapi import Depends, FastAPI

from memspan.engine.fused.warming import acquaint
from migrations.revision import newest
from service.event_feeds import EventFeeds
from service.middleware.install import install_middleware
from service.middleware.keyring import Keyring
from service.middleware.ledger import SqlLedger
from service.middleware.query import known_parameters
from service.middleware.request_meter import RequestMeter
from service.operations import task_data
from service.operations.context import Context
from service.pages import render_problem
from service.routes import (
    audit,
    catalogues,
    checkpoints,
    comparisons,
    datasets,
    events,
    experiments,
    keys,
    login,
    monitoring,
    pages,
    probes,
    results,
    runs,
    studies,
)
from service.schemas.description import described

DESCRIPTION = """How far back does a sequence model remember, and what does it use?

Post an experiment (task x model x length x repeats); workers train it; read scores with intervals, memory spans and
probes at `/results/{id}`. Errors are problem documents (RFC 9457) that name every wrong field by JSON pointer. Numbers
that are not finite travel as "NaN", "Infinity" and "-Infinity" in answers and are refused in requests.
"""
ROUTERS = (
    experiments,
    events,
    runs,
    results,
    comparisons,
    checkpoints,
    datasets,
    probes,
    studies,
    catalogues,
    keys,
    audit,
)
LENIENT = (monitoring, pages, login)
"""what monitors and browsers ask, who may add parameters of their own"""


def create_app(context: Context) -> FastAPI:
    """The application over a context."""
    task_data.supply(context)
    torch.set_num_threads(context.settings.threads)
    app = FastAPI(
        title="Memspan",
        version=version("memspan"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(context),
    )
    app.state.context = context
    app.state.revision = newest()
    app.state.problem_page = render_problem
    for module in ROUTERS:
        app.include_router(module.router, dependencies=[Depends(known_parameters)])
    for module in LENIENT:
        app.include_router(module.router)
    app.openapi = _openapi(app)  # type: ignore[method-assign]
    ledger = SqlLedger(context.database, context.settings.idempotency_hours)
    install_middleware(app, context.settings, ledger, Keyring(context.database))
    for name, pool in app.state.pools.by_name().items():
        context.meters.follow_pool(name, partial(getattr, pool, "inside"), pool.most)
    app.add_middleware(RequestMeter, meters=context.meters)
    return app


def _lifespan(context: Context) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.event_feeds = EventFeeds(context)
        acquainted = create_task(to_thread(acquaint))  # the first POST would wait for it; nobody else has to
        yield
        await acquainted
        await app.state.keyring.close()
        await app.state.rate_limits.close()

    return lifespan


def _openapi(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The description, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = described(app)
        return app.openapi_schema

    return openapi
