"""A full disk under the embedded database delays work and loses none."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from service.storage.database import Database
from service.storage.database_errors import is_full
from service.storage.tables import experiments
from tests.databases import migrate
from tests.scenes import Scene, context_over
from workers.patience import patiently

PLENTY = 1_000_000


class Disk:
    """A disk of which a database may have so many pages."""

    def __init__(self, path: Path) -> None:
        migrate(f"sqlite:///{path}")
        self._path, self._pages = path, PLENTY
        self.database = Database(f"sqlite:///{path}")
        event.listen(self.database.engine, "connect", self._limit)

    def _limit(self, connection: Any, record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={self._pages}")

    def fill(self) -> None:
        """Leave no page beyond those that the database has."""
        connection = sqlite3.connect(self._path)
        self._take(connection.execute("PRAGMA page_count").fetchone()[0])
        connection.close()

    def free(self) -> None:
        self._take(PLENTY)

    def _take(self, pages: int) -> None:
        self._pages = pages
        self.database.close()  # connections made from now on know


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "memspan.db")


def test_a_submission_to_a_full_disk_leaves_nothing(disk: Disk) -> None:
    scene = Scene(context_over(disk.database))
    disk.fill()
    with pytest.raises(OperationalError, match="full") as refused:
        scene.submit(repeats=500, name="x" * 200)
    assert is_full(refused.value)
    with disk.database.reading() as connection:
        assert connection.execute(select(experiments)).all() == []
    disk.free()
    assert scene.state(scene.submit(repeats=500)) == "queued"


def test_what_a_worker_hands_in_waits_until_there_is_room(disk: Disk) -> None:
    scene = Scene(context_over(disk.database))
    key = scene.submit(repeats=30)
    claimed = scene.claim()
    disk.fill()
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            disk.free()

    patiently(lambda: scene.finish(claimed, weight=lambda repeat: repeat / 3), pause=pause)
    assert pauses == sorted(set(pauses))
    assert len(pauses) == 3
    assert (scene.state(key), scene.counts(key)) == ("succeeded", {"succeeded": 30})
