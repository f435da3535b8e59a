"""Two patrols that walk at once, because the first was slow, bring back everything once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from service.operations import patrol
from service.storage.database import Database
from service.storage.tables import runs
from tests.scenes import Scene, context_over

PATROLS = 8
ROUNDS = 6


@pytest.mark.parametrize("losses", [1, 3])
def test_two_patrols_at_once_bring_back_each_run_once(scene: Scene, database_url: str, losses: int) -> None:
    """With leaderships that end at once, as many walk as there are."""
    keys = [scene.submit(repeats=40, lengths=[2, 3]) for _ in range(3)]
    for round in range(losses):
        held = 0
        while (claimed := scene.try_claim()) is not None:
            held += len(claimed.runs)
        assert held == 240, round
        with scene.context.database.writing() as connection:
            connection.execute(update(runs).values(lease_until=0))
        walked(database_url)
    with scene.context.database.reading() as connection:
        found = set(connection.execute(select(runs.c.state, runs.c.attempt, runs.c.lost)))
    if losses < patrol.MOST_LOSSES:
        assert {tuple(each) for each in found} == {("queued", losses, losses)}
        scene.finish_all()
        assert [scene.state(key) for key in keys] == ["succeeded"] * 3
    else:
        assert {tuple(each)[:2] for each in found} == {("failed", losses)}
        assert [scene.state(key) for key in keys] == ["failed"] * 3


def walked(url: str) -> None:
    """Walk with several patrols at once, several rounds each."""

    def walk(number: int) -> int:
        database = Database(url)
        try:
            context = context_over(database, lease_seconds=1e-6)
            return sum(patrol.walk(context, f"patrol {number}") for _ in range(ROUNDS))
        finally:
            database.close()

    with ThreadPoolExecutor(PATROLS) as pool:
        assert sum(pool.map(walk, range(PATROLS))) > ROUNDS
