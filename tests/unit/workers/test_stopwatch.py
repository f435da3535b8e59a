"""The stopwatch: modelled beside measured seconds of what a worker did."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from service.storage import paces
from service.storage.database import Database
from tests.scenes import Scene, context_over
from workers import stopwatch
from workers.stopwatch import Stopwatch


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Training:
    """As much of a trainer as a lap looks at."""

    computed = 0.0


def known(database: Database) -> dict[str, tuple[float, float]]:
    with database.reading() as connection:
        return {each.work: (each.modelled, each.measured) for each in paces.known(connection, ["here"])}


def test_a_lap_measures_training_and_not_what_is_done_in_its_midst(database: Database) -> None:
    scene, clock, trainer = Scene(context_over(database)), Clock(), Training()
    scene.submit(training={"epochs": 4, "train_size": 1_000_000, "validation_size": 16, "test_size": 16})
    claimed = scene.claim()
    watch = Stopwatch(scene.context, "here", clock)
    lap = watch.lap(claimed)
    lap.begin(trainer)  # type: ignore[arg-type]
    clock.now, trainer.computed = 3.0, 1.0
    lap.split(trainer)  # type: ignore[arg-type]
    clock.now = 50.0  # probes were answered
    lap.resume()
    clock.now, trainer.computed = 53.0, 4.0
    lap.split(trainer)  # type: ignore[arg-type]
    modelled, measured = known(database)[claimed.placement.engine]
    assert measured == pytest.approx(6.0)
    assert modelled == pytest.approx(claimed.placement.seconds(len(claimed.runs)), rel=0.01)


def test_short_work_is_kept_until_it_is_told(database: Database) -> None:
    watch = Stopwatch(context_over(database), "here")
    watch.add("probe", 0.1, 0.2)
    watch.add("probe", 0.0, 9.0)  # nothing that the model knows
    assert known(database) == {}
    watch.tell()
    watch.tell()
    assert known(database) == {"probe": (0.1, 0.2)}


def test_a_night_with_the_lid_closed_is_no_work(database: Database) -> None:
    watch = Stopwatch(context_over(database), "here")
    watch.add("torch", 1.0, 30_000.0)
    watch.add("torch", 1.0, 2.0)
    watch.tell()
    assert known(database) == {"torch": (1.0, 2.0)}


def test_what_can_t_be_stored_now_is_stored_later(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Stopwatch(context_over(database), "here")

    def away(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("the database is away"))

    with monkeypatch.context() as patched:
        patched.setattr(stopwatch.operations, "note_pace", away)
        watch.add("torch", 6.0, 7.0)
    watch.tell()
    assert known(database) == {"torch": (6.0, 7.0)}
