"""Kinds of processors: a run goes on only on the kind that it was begun on, and its record names that kind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from memspan.engine.processor import processor_kind
from memspan.engine.snapshot import Snapshot
from service.operations import claiming, finish_runs, work
from service.operations.doctor import examined
from service.operations.results import results_document
from service.storage.tables import events, runs
from service.storage.tables import metrics as metric_rows
from tests.scenes import Scene, measured, outcome, snapshot

HERE = processor_kind("fused")


def stored_on(scene: Scene, claimed: claiming.ClaimedRuns, kind: str, repeats: range | None = None) -> None:
    """Store a slice of which some runs were trained on a kind of processor, the others here; then give it back."""
    snapshots = {}
    for repeat in claimed.runs:
        made = snapshot(1)
        there = kind if repeats is None or repeat in repeats else HERE
        snapshots[repeat] = Snapshot(replace(made.position, processor=there), made.vectors)
    told = measured(claimed, 1, {"train_loss": 0.5})
    work.keep(scene.context, claimed, snapshots, (1, 0), 1, told)
    scene.give_back(claimed)


@pytest.mark.parametrize("kind", [HERE, ""], ids=["this kind", "not noted by an older release"])
def test_a_run_goes_on_where_it_was_begun(scene: Scene, kind: str) -> None:
    scene.submit()
    stored_on(scene, scene.claim(), kind)
    assert sorted(scene.claim().snapshots) == [0, 1]


def test_a_run_that_was_begun_on_another_kind_begins_anew(scene: Scene) -> None:
    key = scene.submit()
    stored_on(scene, scene.claim(), "another kind")
    claimed = scene.claim()
    assert (sorted(claimed.runs), claimed.snapshots) == ([0, 1], {})
    with scene.context.database.reading() as connection:
        assert connection.execute(select(metric_rows)).all() == []
        told = connection.execute(select(events.c.type, events.c.body).where(events.c.type == "other_processor")).all()
    assert [body["repeat"] for _, body in told] == [0, 1]
    scene.finish(claimed)
    assert scene.state(key) == "succeeded"
    assert [each for each in examined(scene.context) if not each.sound] == []


def test_mates_that_were_begun_here_go_on_without_the_other(scene: Scene) -> None:
    key = scene.submit(repeats=3)
    stored_on(scene, scene.claim(), "another kind", range(1, 2))
    claimed = scene.claim()
    assert (sorted(claimed.runs), sorted(claimed.snapshots)) == ([0, 2], [0, 2])
    scene.finish(claimed)
    other = scene.claim()
    assert (sorted(other.runs), other.snapshots) == ([1], {})
    scene.finish(other)
    assert scene.state(key) == "succeeded"
    assert [each for each in examined(scene.context) if not each.sound] == []


def test_the_record_names_the_kind_and_results_that_mix_kinds_say_so(scene: Scene) -> None:
    key = scene.submit()
    claimed = scene.claim()
    outcomes = {repeat: replace(outcome(), processor=f"kind {repeat}") for repeat in claimed.runs}
    finish_runs.finish(scene.context, claimed, outcomes, 1.0, {}, "torch")
    with scene.context.database.reading() as connection:
        assert list(connection.execute(select(runs.c.processor)).scalars()) == ["kind 0", "kind 1"]
    (condition,) = results_document(scene.context, key)["conditions"]
    assert condition["processors"] == ["kind 0", "kind 1"]
