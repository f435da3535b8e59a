"""A stage: the whole application in this process over a database of its own, and a worker that can be called in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import func, select
from starlette.testclient import TestClient

from migrations.upgrade import upgrade
from service.app import create_app
from service.operations.context import Context
from service.queue.bell import NoBell
from service.settings import Settings
from service.storage.database import Database
from service.storage.tables import metadata
from workers.beat import Beat
from workers.identity import identify
from workers.loop import Loop

QUEUES = ("cpu", "probe")
SMALL = {"train_size": 32, "validation_size": 16, "test_size": 16, "epochs": 2}
LATCH: dict[str, Any] = {
    "name": "latch, five models",
    "tasks": [{"kind": "latch"}, {"kind": "first_last"}],
    "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}, {"kind": "mlp"}],
    "lengths": [2, 5],
    "training": SMALL,
    "repeats": 2,
    "probes": [{"kind": "change", "index": 0}],
}


@dataclass(frozen=True)
class Stage:
    """The application, a client on this machine, and everything it stores."""

    context: Context
    app: FastAPI
    client: TestClient

    def work(self) -> int:
        """Do all that waits, as a local worker would; pieces done."""
        identity = identify(QUEUES, 2**34)
        return Loop(self.context, identity, Beat(self.context, identity), lambda: False).work(QUEUES)

    def rows(self) -> dict[str, int]:
        """Rows of every table but the ledger of answered keys and the trail of who did what."""
        with self.context.database.reading() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in metadata.sorted_tables
                if table.name not in ("answers", "audit")
            }

    def submit(self, spec: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Post a spec that must be accepted."""
        answer = self.client.post("/experiments", json={**spec, **fields})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def finish(self, spec: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Post a spec and train it to its end."""
        posted = self.submit(spec, **fields)
        self.work()
        return dict(self.client.get(posted["links"]["self"]).json())


@contextmanager
def staged(home: Path, **changes: Any) -> Iterator[Stage]:
    """A stage whose files lie under ``home``, with some settings changed."""
    settings = Settings(home=home, database_url=f"sqlite:///{home / 'memspan.db'}", redis_url=None, **changes)
    database = Database(settings.database_url)
    upgrade(database.engine)
    context = Context(settings, database, NoBell())
    app = create_app(context)
    # Port 0 would make the client's address falsy; a network client always has one.
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1), raise_server_exceptions=False) as client:
        yield Stage(context, app, client)
    database.close()
