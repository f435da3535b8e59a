"""Two patrols that walk at once, because the first was slow, bring back everything once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from service.operations import patrol
from service.operations.doctor import examined
from service.operations.lost_work import MOST_LOSSES
from service.storage import runs
from service.storage.database import Database
from tests.scenes import Scene, context_over

PATROLS = 6
ROUNDS = 5
INSTANT = 1e-6
"""seconds: of leases that end at once, and of leaderships, so that as many patrols walk as there are"""


@pytest.mark.parametrize("losses", [1, MOST_LOSSES])
def test_two_patrols_at_once_bring_back_each_run_once(database: Database, database_url: str, losses: int) -> None:
    """A stack that was lost so often that it is split is split once, too."""
    scene = Scene(context_over(database, lease_seconds=INSTANT))
    keys = [scene.submit(repeats=40, lengths=[2, 3]) for _ in range(3)]
    for _ in range(losses):
        held = 0
        while (claimed := scene.try_claim()) is not None:
            held += len(claimed.runs)
        assert held == 3 * 80
        walked(database_url)
    with scene.context.database.reading() as connection:
        found = [each for key in keys for each in runs.page(connection, key, None, 500, None)]
    assert {(each.state, each.attempt) for each in found} == {("queued", losses)}
    assert len(found) == 3 * 80
    assert [each for each in examined(scene.context) if not each.sound] == []
    scene.finish_all()
    assert [scene.state(key) for key in keys] == ["succeeded"] * 3


def walked(url: str) -> None:
    """Walk with several patrols at once, several rounds each."""

    def walk(number: int) -> int:
        database = Database(url)
        try:
            context = context_over(database, lease_seconds=INSTANT)
            return sum(patrol.walk(context, f"patrol {number}") for _ in range(ROUNDS))
        finally:
            database.close()

    with ThreadPoolExecutor(PATROLS) as pool:
        assert sum(pool.map(walk, range(PATROLS))) > ROUNDS
