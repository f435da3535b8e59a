"""Groups of experiments, and the epochs of a condition's runs."""

from __future__ import annotations

import math
from typing import Any

from memspan.experiment.fleet import Fleet
from service.operations.submission import insert, prepare
from service.storage import metrics, studies
from service.storage.experiments import StudyPlace
from tests.scenes import Scene, spec


def started(scene: Scene, study: str, *parts: str) -> list[int]:
    """Store a group of the smallest experiments; their keys."""
    keys: list[int] = []
    with scene.context.database.writing() as connection:
        for part in parts:
            place = StudyPlace(study, "quick", part, keys[0] if keys else None)
            keys.append(insert(connection, prepare(Fleet(), spec(), None, place)))
    return keys


def keys(rows: Any) -> list[int]:
    return [row.key for row in rows]


def test_a_group_bears_the_key_of_its_first_experiment(scene: Scene) -> None:
    scene.submit()
    mine = started(scene, "latch", "a", "b", "c")
    with scene.context.database.reading() as connection:
        rows = studies.group(connection, "latch", mine[0])
        assert keys(rows) == mine
        assert [row.study_part for row in rows] == ["a", "b", "c"]
        assert keys(studies.group(connection, "relay", mine[0])) == []
        assert keys(studies.group(connection, "latch", mine[1])) == []


def test_the_newest_group_of_each_study_is_found(scene: Scene) -> None:
    started(scene, "latch", "a", "b")
    other = started(scene, "relay", "a")
    mine = started(scene, "latch", "a", "b")
    with scene.context.database.reading() as connection:
        assert keys(studies.newest(connection)) == [*other, *mine]


def test_groups_come_newest_first_and_only_so_many(scene: Scene) -> None:
    old, middle, new = (started(scene, "latch", "a", "b") for _ in range(3))
    with scene.context.database.reading() as connection:
        assert keys(studies.groups(connection, "latch", 2)) == [*new, *middle]
        assert keys(studies.groups(connection, "latch", 9)) == [*new, *middle, *old]
        assert keys(studies.groups(connection, "relay", 9)) == []


def test_the_epochs_of_a_condition_are_lists_by_repeat_and_metric(scene: Scene) -> None:
    key = scene.submit(lengths=[2, 3], repeats=2)
    for claimed in (scene.claim(), scene.claim()):
        scene.tell(claimed, 1, validation_loss=0.5 * claimed.condition.length)
        scene.tell(claimed, 2, validation_loss=math.inf, train_loss=0.25)
        scene.finish(claimed, test_loss=9.0)
    with scene.context.database.reading() as connection:
        told = {place: metrics.histories(connection, key, place) for place in (0, 1, 2)}
    line = {"train_loss": [0.25], "validation_loss": [1.0, math.inf]}
    assert told == {
        0: {0: line, 1: line},
        1: {repeat: {**line, "validation_loss": [1.5, math.inf]} for repeat in (0, 1)},
        2: {},
    }
