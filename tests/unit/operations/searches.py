"""Searches for a memory span by workers that train nothing: how one is submitted, goes on and is looked at."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from service.operations.claiming import ClaimedRuns
from service.storage import events
from service.storage.tables import runs
from tests.scenes import Scene

LENGTHS = {"search": {"low": 2, "high": 200}}
SPAN = 30  # time steps that the models of these tests remember
PROBES = [{"kind": "change", "index": 0}]


def search(scene: Scene, **changes: Any) -> int:
    return scene.submit(**{"lengths": LENGTHS, "repeats": 10, **changes})


def end(scene: Scene, claimed: ClaimedRuns) -> None:
    """End claimed runs: those solve their task that are no longer than the models' span."""
    scene.finish(claimed, test_accuracy=float((claimed.condition.length or 0) <= SPAN))


def work(scene: Scene, rounds: int = 99) -> None:
    """Do what waits, this many rounds of it."""
    for _ in range(rounds):
        claims = []
        while (claimed := scene.try_claim()) is not None:
            claims.append(claimed)
        if not claims:
            return
        for claimed in claims:
            end(scene, claimed)


def stored(scene: Scene, key: int) -> list[Any]:
    with scene.context.database.reading() as connection:
        statement = select(runs).where(runs.c.experiment_key == key).order_by(runs.c.key)
        return list(connection.execute(statement))


def told(scene: Scene, key: int, kind: str) -> list[dict[str, Any]]:
    """The bodies of an experiment's events of one type."""
    with scene.context.database.reading() as connection:
        return [row.body for row in events.after(connection, key, 0, 10_000) if row.type == kind]
