"""What doesn't fit into a worker's memory together is trained apart, to the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from memspan.engine.trainer import Trainer
from service.operations import runs
from service.storage import runs as stored
from service.storage.runs import RunRecord
from tests.scenes import Scene
from tests.tight import MIB, attempts, tightly
from workers import loop as loop_module

# What is measured is memory, whatever database stores it.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OWN_SETS: dict[str, Any] = {
    "lengths": [1_000], "repeats": 4,
    "training": {"data": "per_repeat", "epochs": 1, "train_size": 10_000, "validation_size": 16, "test_size": 16},
}  # fmt: skip
"""four runs, each with a training set of 40 MB"""


def rows(scene: Scene, key: int) -> list[RunRecord]:
    return list(runs.listing(scene.context, key, None, 10, None)[0])


def numbers(scene: Scene, key: int) -> dict[int, dict[str, float]]:
    """The final metrics of each run that has some, by repeat."""
    with scene.context.database.reading() as connection:
        found = stored.for_results(connection, key)
    return {row.repeat: row.metrics for row in found if row.metrics}


@pytest.mark.usefixtures("compiled_loops")
def test_a_stack_that_is_too_large_is_halved_until_it_fits_and_its_numbers_are_the_same(
    scene: Scene, database_url: str
) -> None:
    free = scene.submit(**OWN_SETS)
    assert attempts(scene, 4_000 * MIB) == (1, 0)
    (tight,), done, too_large = tightly(database_url, OWN_SETS)
    assert done == too_large + 1 > 1
    assert numbers(scene, tight) == numbers(scene, free)
    assert len(numbers(scene, free)) == 4


def test_runs_none_of_which_fits_alone_end_out_of_memory_and_the_worker_goes_on(
    scene: Scene, database_url: str
) -> None:
    (key, small), done, too_large = tightly(database_url, OWN_SETS, {})
    assert (done, too_large) == (1, 3 + 4)
    assert {(row.state, row.reason) for row in rows(scene, key)} == {("failed", "out_of_memory")}
    assert scene.state(small) == "succeeded"


class OneIsTooLarge(Trainer):
    """Whoever trains repeat 2 runs out of memory after some steps."""

    def events(self) -> Iterator[Any]:
        for number, event in enumerate(super().events()):
            if number == 2 and 2 in self.snapshots():
                raise MemoryError
            yield event


def test_a_run_that_is_too_large_takes_none_of_its_mates_with_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scene.submit(repeats=5)
    attempts(scene, 4_000 * MIB)
    key = scene.submit(repeats=5)
    monkeypatch.setattr(loop_module, "Trainer", OneIsTooLarge)
    attempts(scene, 4_000 * MIB)
    found = {row.repeat: row for row in rows(scene, key)}
    assert {repeat: row.state for repeat, row in found.items()} == {
        repeat: "failed" if repeat == 2 else "succeeded" for repeat in range(5)
    }
    assert found[2].reason == "out_of_memory"
    assert scene.state(key) == "partial"
    mine, its = numbers(scene, key), numbers(scene, whole)
    assert mine == {repeat: its[repeat] for repeat in (0, 1, 3, 4)}
