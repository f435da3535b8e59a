"""Retention: exactly what the rehearsal says goes, by the rule that keeps most, and nothing that others use."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from memspan.engine.events import Outcome
from memspan.probes.change import Change
from service.errors import NotFound
from service.operations import checkpoints, experiments, finish_runs, patrol, probes, retention
from service.operations.doctor import examined
from service.storage.retention import Rule
from service.storage.states import Keep
from service.storage.tables import blobs, metrics, runs
from service.storage.tables import checkpoints as checkpoint_rows
from service.storage.tables import experiments as rows
from tests.scenes import Scene, context_over, outcome


def aged(scene: Scene, days: float, *labels: str, weight: float = 0.0) -> int:
    """A finished experiment with two runs, whose best and last weights differ, that ended some days ago."""
    key = scene.submit(labels=list(labels))
    claimed = scene.claim()
    ended = {repeat: two_weights(weight + repeat) for repeat in claimed.runs}
    finish_runs.finish(scene.context, claimed, ended, 1.0, {}, claimed.placement.engine)
    with scene.context.database.writing() as connection:
        ended_at = rows.c.finished_at - days * 86_400
        connection.execute(update(rows).where(rows.c.key == key).values(finished_at=ended_at))
    return key


def two_weights(weight: float) -> Outcome:
    last, best = outcome(weight), outcome(weight + 0.5)
    return replace(last, best=best.last, best_epoch=1)


def weights_of(scene: Scene, key: int) -> list[str]:
    """The kinds of the weights that an experiment still has."""
    joined = select(checkpoint_rows.c.kind).join(runs, runs.c.key == checkpoint_rows.c.run_key)
    with scene.context.database.reading() as connection:
        return sorted(connection.execute(joined.where(runs.c.experiment_key == key)).scalars())


def stored_bytes(scene: Scene) -> int:
    with scene.context.database.reading() as connection:
        return int(connection.execute(select(func.coalesce(func.sum(blobs.c.bytes), 0))).scalar_one())


def carried_out(scene: Scene) -> None:
    for _ in range(20):
        if not retention.carry_out(scene.context):
            return
    raise AssertionError("it never ends")


def test_without_a_rule_everything_is_kept(scene: Scene) -> None:
    key = aged(scene, 10_000)
    assert retention.forecast(scene.context) == []
    patrol.walk(scene.context, "patrol")
    assert weights_of(scene, key) == ["best", "best", "last", "last"]


@pytest.mark.parametrize(("keep", "left"), [(Keep.BEST, ["best", "best"]), (Keep.RESULTS, []), (Keep.NOTHING, None)])
def test_a_rule_leaves_what_it_says_of_old_experiments_with_its_label(
    scene: Scene, keep: Keep, left: list[str] | None
) -> None:
    old, young = aged(scene, 8, "draft"), aged(scene, 6, "draft", weight=10)
    other, running = aged(scene, 8, "draft two", weight=20), scene.submit(labels=["draft"])
    retention.put(scene.context, Rule("draft", 7, keep))
    (told,) = retention.forecast(scene.context)
    assert (told.key, told.label, told.keep) == (old, "draft", keep)
    before = stored_bytes(scene)
    carried_out(scene)
    assert before - stored_bytes(scene) == told.bytes > 0
    for kept in (young, other):
        assert len(weights_of(scene, kept)) == 4
    assert scene.state(running) == "queued"
    if left is None:
        with pytest.raises(NotFound):
            experiments.look(scene.context, old)
    else:
        assert (weights_of(scene, old), scene.state(old), scene.counts(old)) == (left, "succeeded", {"succeeded": 2})
        with scene.context.database.reading() as connection:
            assert connection.execute(select(func.count()).select_from(metrics)).scalar_one() > 0
    assert retention.forecast(scene.context) == []
    assert [each.check for each in examined(scene.context) if not each.sound] == []


def test_weights_that_another_experiment_uses_stay(scene: Scene) -> None:
    aged(scene, 8, "draft")
    other = aged(scene, 1)
    retention.put(scene.context, Rule("draft", 7, Keep.RESULTS))
    (told,) = retention.forecast(scene.context)
    assert told.bytes == 0
    carried_out(scene)
    with scene.context.database.reading() as connection:
        keys = connection.execute(select(checkpoint_rows.c.key)).scalars().all()
    assert len(keys) == len(weights_of(scene, other)) == 4
    for key in keys:
        checkpoints.weights(scene.context, key)


def test_of_several_rules_the_one_that_keeps_most_is_followed(scene: Scene) -> None:
    key = aged(scene, 30, "draft", "paper")
    retention.put(scene.context, Rule("draft", 1, Keep.NOTHING))
    retention.put(scene.context, Rule("paper", 20, Keep.BEST))
    carried_out(scene)
    assert weights_of(scene, key) == ["best", "best"]
    assert retention.remove(scene.context, "paper")
    assert not retention.remove(scene.context, "paper")
    carried_out(scene)
    with pytest.raises(NotFound):
        experiments.look(scene.context, key)


def test_the_setting_is_for_experiments_without_a_rule(scene: Scene) -> None:
    plain, kept = aged(scene, 30), aged(scene, 30, "paper", weight=5)
    retention.put(scene.context, Rule("paper", 365, Keep.BEST))
    strict = Scene(context_over(scene.context.database, retention_days=14))
    assert [(each.key, each.label, each.keep) for each in retention.forecast(strict.context)] == [
        (plain, None, Keep.NOTHING)
    ]
    carried_out(strict)
    with pytest.raises(NotFound):
        experiments.look(scene.context, plain)
    assert len(weights_of(scene, kept)) == 4


def test_answers_of_dropped_weights_go_and_those_over_all_repeats_stay(scene: Scene) -> None:
    key = aged(scene, 8, "draft")
    over_all = probes.ask_experiment(scene.context, key, Change(index=0), probes.Where(), "best")[0]
    with scene.context.database.reading() as connection:
        of_last = select(checkpoint_rows.c.key).where(checkpoint_rows.c.kind == "last").limit(1)
        last = connection.execute(of_last).scalar_one()
    of_one = probes.ask_checkpoint(scene.context, last, Change(index=0))
    retention.put(scene.context, Rule("draft", 7, Keep.BEST))
    carried_out(scene)
    assert probes.look(scene.context, over_all.key).key == over_all.key
    with pytest.raises(NotFound):
        probes.look(scene.context, of_one.key)


def test_one_round_of_the_patrol_does_a_little(scene: Scene) -> None:
    for number in range(4):
        aged(scene, 8, "draft", weight=10.0 * number)
    retention.put(scene.context, Rule("draft", 7, Keep.RESULTS))
    assert retention.carry_out(scene.context, units=2)
    assert 0 < len(retention.forecast(scene.context)) < 4
    carried_out(scene)
    assert stored_bytes(scene) == 0
