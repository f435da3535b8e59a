"""Metrics: kept truthfully, written twice as well as once, dropped where a run goes back."""

from __future__ import annotations

import math

import pytest

from service.operations import runs as run_operations
from service.operations.claiming import ClaimedRuns
from service.storage import metrics
from service.storage.metrics import Measurement
from tests.scenes import Scene

NUMBERS = [0.1, 0.0, -2.5, 5e-324, 1.7976931348623157e308, math.pi, 1 / 3]


@pytest.fixture
def claimed(scene: Scene) -> ClaimedRuns:
    scene.submit()
    return scene.claim()


def series(scene: Scene, run: int, name: str = "loss", split: str = "train") -> dict[int, float]:
    items = run_operations.metrics_of(scene.context, run, None)
    return {item.epoch: item.value for item in items if (item.split, item.name) == (split, name)}


def store(scene: Scene, run: int, epoch: int, **values: float) -> None:
    with scene.context.database.writing() as connection:
        metrics.store(connection, [Measurement(run, epoch, values)])


def test_finite_numbers_are_kept_to_the_last_bit(scene: Scene, claimed: ClaimedRuns) -> None:
    run = claimed.runs[0]
    for epoch, value in enumerate(NUMBERS):
        store(scene, run, epoch, train_loss=value)
    assert [value.hex() for value in series(scene, run).values()] == [value.hex() for value in NUMBERS]


def test_numbers_that_are_not_finite_are_kept_as_what_they_are(scene: Scene, claimed: ClaimedRuns) -> None:
    run = claimed.runs[0]
    for epoch, value in enumerate((math.nan, math.inf, -math.inf)):
        store(scene, run, epoch, train_loss=value)
    nan, positive, negative = series(scene, run).values()
    assert math.isnan(nan)
    assert (positive, negative) == (math.inf, -math.inf)


def test_writing_metrics_twice_changes_nothing(scene: Scene, claimed: ClaimedRuns) -> None:
    run = claimed.runs[0]
    for _ in range(2):
        store(scene, run, 1, train_loss=0.5, validation_accuracy=0.75)
    assert series(scene, run) == {1: 0.5}
    assert series(scene, run, "accuracy", "validation") == {1: 0.75}


def test_a_later_value_replaces_an_earlier_one(scene: Scene, claimed: ClaimedRuns) -> None:
    run = claimed.runs[0]
    store(scene, run, 1, train_loss=math.nan)
    store(scene, run, 1, train_loss=0.25)
    assert series(scene, run) == {1: 0.25}


def test_more_metrics_than_one_statement_holds_are_stored(scene: Scene, claimed: ClaimedRuns) -> None:
    run = claimed.runs[0]
    told = [Measurement(run, epoch, {"train_loss": float(epoch)}) for epoch in range(12_000)]
    with scene.context.database.writing() as connection:
        metrics.store(connection, told)
    assert len(series(scene, run)) == 12_000


def test_metrics_beyond_a_restored_slice_are_dropped(scene: Scene, claimed: ClaimedRuns) -> None:
    run, mate = claimed.runs[0], claimed.runs[1]
    scene.keep(claimed, epoch=1, train_loss=0.1)
    scene.tell(claimed, epoch=2, train_loss=0.2)
    scene.give_back(claimed)
    assert set(series(scene, run)) == {1, 2}
    again = scene.claim()
    assert again.snapshots[0].position.epoch == 1
    assert (set(series(scene, run)), set(series(scene, mate))) == ({1}, {1})


def test_a_long_series_is_thinned_to_its_first_last_and_evenly_spaced_others(
    scene: Scene, claimed: ClaimedRuns
) -> None:
    run = claimed.runs[0]
    for epoch in range(1, 12):
        store(scene, run, epoch, train_loss=float(epoch))
    epochs = [item.epoch for item in run_operations.metrics_of(scene.context, run, 3)]
    assert epochs == [1, 6, 11]
