"""What tests of several shelves stand on: real databases, each test's own, with the schema that Alembic builds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
import structlog
import torch

from service.operations.catalogue import FAMILIES
from service.storage.database import Database
from tests.compiled import compiling
from tests.databases import migrate
from tests.datasets import provided
from tests.deployment import Deployment, deployed
from tests.scenes import Scene, context_over
from tests.servers import PostgresServer, RedisServer, running
from tests.tiny_study import study

TEMPLATE = "migrated"

torch.set_num_threads(1)  # as workers do: small networks are fastest so, and other tests need the cores


LONG_SECONDS = 900
"""a long test starts servers of its own, and machines may be busy; one that says no other time gets this much"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("long") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))


@pytest.fixture(scope="session", autouse=True)
def open_logs() -> Iterator[None]:
    """A test that sets up logs, as a process does at its start, must not keep later tests from capturing them: loggers
    that were cached once are the same for ever."""
    with mock.patch("structlog.configure", partial(_without_cache, structlog.configure)):
        yield


def _without_cache(configure: Callable[..., None], **settings: Any) -> None:
    configure(**settings | {"cache_logger_on_first_use": False})


@pytest.fixture(scope="session", autouse=True)
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """MNIST is there for every test, small where the real files aren't; no test fetches it."""
    with provided(tmp_path_factory.mktemp("data")):
        yield


@pytest.fixture
def compiled_loops() -> Iterator[None]:
    """For what depends on the engine that is chosen: compiled loops, whatever $MEMSPAN_ENGINE says."""
    with compiling():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server; it has a database called ``migrated`` to copy."""
    server = PostgresServer()
    with running(server):
        migrate(server.create(TEMPLATE))
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    with running(server):
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "memspan.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def deployment(
    postgres: PostgresServer, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A deployment with two worker processes; every test leaves it working."""
    with deployed(tmp_path_factory.mktemp("deployment"), postgres, redis) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database of this test alone, on both dialects."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "memspan.db")
        yield f"sqlite:///{tmp_path / 'memspan.db'}"
    else:
        server, name = request.getfixturevalue("postgres"), f"t{uuid4().hex}"
        yield server.create(name, TEMPLATE)
        server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


@pytest.fixture
def tiny_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service knows one study, which runs in a moment."""
    monkeypatch.setitem(FAMILIES, "study", study)


@pytest.fixture
def scene(database: Database) -> Scene:
    """An empty scene on both dialects."""
    return Scene(context_over(database, lease_seconds=60))
