"""What failed is tried once more, as if nobody had tried it before; on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from memspan.interfaces.readings import Scalars
from service.errors import Conflict, Forbidden
from service.operations import events, experiments, patrol, probes, retrying
from service.operations.caller import Caller
from service.operations.doctor import examined
from service.scopes import Scope
from service.storage import runs
from service.storage.states import Reason, RunState
from service.storage.tables import charges, metrics
from tests.scenes import Scene

ANSWER = Scalars(values={"loss": 0.5}, low={"loss": 0.25}, high={"loss": 0.75}, n=2, units={"loss": "1"})
PROBE = [{"kind": "change", "index": 0, "percent": 50}]


def answer(scene: Scene) -> int:
    """Answer the next probe; over how many repeats."""
    asked = probes.claim(scene.context, "worker")
    assert asked is not None
    probes.finish(scene.context, asked, ANSWER)
    return len(asked.weights)


def sound(scene: Scene) -> bool:
    return all(each.sound for each in examined(scene.context, mend=False))


def rows_of(scene: Scene, key: int) -> list[Any]:
    with scene.context.database.reading() as connection:
        return list(runs.page(connection, key, None, 100, None))


def two_failed_of_three(scene: Scene, **changes: Any) -> int:
    """An experiment of three stacks, of which the last two fail behind a stored slice."""
    key = scene.submit(lengths=[2, 3, 4], **changes)
    for fails in (False, True, True):
        claimed = scene.claim()
        if fails:
            scene.keep(claimed, epoch=1)
            scene.fail(claimed, Reason.ERROR, "It broke.")
        else:
            scene.finish(claimed)
    return key


def test_failed_runs_are_queued_again_as_if_nobody_had_tried_them(scene: Scene) -> None:
    key = two_failed_of_three(scene)
    assert (scene.state(key), scene.counts(key)) == ("partial", {"succeeded": 2, "failed": 4})
    view = retrying.retry(scene.context, key)
    assert (view.row.state, scene.counts(key)) == ("queued", {"succeeded": 2, "queued": 4})
    again = [row for row in rows_of(scene, key) if row.state is RunState.QUEUED]
    left = [(row.attempt, row.reason, row.detail, row.epochs_done, row.started_at, row.finished_at) for row in again]
    assert left == [(0, None, None, 0.0, None, None)] * 4
    with scene.context.database.reading() as connection:
        measured = select(func.count()).where(metrics.c.run_key.in_([row.key for row in again]))
        assert connection.execute(measured).scalar_one() == 0
    assert view.counts["progress"]["completed"] == 4, "of two runs that are done, two epochs each"
    assert sound(scene)
    claimed = scene.claim()
    assert not claimed.snapshots
    scene.finish(claimed)
    assert scene.finish_all() == 1
    assert (scene.state(key), scene.counts(key)) == ("succeeded", {"succeeded": 6})
    assert sound(scene)


def test_what_was_changed_since_it_was_looked_at_is_looked_at_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another retry comes in between, and only one of the two stacks fails once more."""
    key = two_failed_of_three(scene)
    look = retrying._looked

    def overtaken(*arguments: Any) -> Any:
        found = look(*arguments)
        monkeypatch.setattr(retrying, "_looked", look)
        retrying.retry(scene.context, key)
        scene.finish(scene.claim())
        scene.fail(scene.claim(), Reason.ERROR, "It broke again.")
        return found

    monkeypatch.setattr(retrying, "_looked", overtaken)
    retrying.retry(scene.context, key)
    assert scene.counts(key) == {"succeeded": 4, "queued": 2}
    assert sound(scene)


def test_the_events_go_on_behind_those_that_were_there(scene: Scene) -> None:
    key = two_failed_of_three(scene)
    before = events.newest(scene.context, key)
    retrying.retry(scene.context, key)
    told = events.after(scene.context, key, before, 100)
    assert [(each.sequence, each.type, each.body) for each in told] == [
        (before + 1, "retry", {"runs": 4, "probes": 0}),
        (before + 2, "state", {"state": "queued"}),
    ]
    assert not events.over(scene.context, key)
    scene.finish_all()
    assert [
        each.body["state"] for each in events.after(scene.context, key, before + 2, 100) if each.type == "state"
    ] == [
        "running",
        "succeeded",
    ]


def test_probes_over_repeats_are_asked_again_with_those_that_failed(scene: Scene) -> None:
    key = scene.submit(repeats=40, probes=PROBE)
    failed = scene.claim()
    scene.fail(failed, Reason.OUT_OF_MEMORY, "Too large.")
    scene.finish_all()
    assert answer(scene) == 40 - len(failed.runs)
    assert scene.state(key) == "partial"
    retrying.retry(scene.context, key)
    assert probes.claim(scene.context, "worker") is None, "not before its runs have ended"
    scene.finish_all()
    assert (answer(scene), scene.state(key)) == (40, "succeeded")
    assert sound(scene)


def test_a_probe_that_failed_is_asked_again_though_every_run_succeeded(scene: Scene) -> None:
    key = scene.submit(probes=PROBE)
    scene.finish_all()
    asked = probes.claim(scene.context, "worker")
    assert asked is not None
    probes.fail(scene.context, asked, Reason.ERROR, "It broke.")
    assert scene.state(key) == "partial"
    assert retrying.retry(scene.context, key).row.state == "running"
    assert (answer(scene), scene.state(key)) == (2, "succeeded")
    assert sound(scene)


def test_a_cancelled_experiment_goes_on_with_what_was_cancelled(scene: Scene) -> None:
    key = scene.submit(lengths=[2, 3], probes=PROBE)
    scene.finish(scene.claim())
    experiments.cancel(scene.context, key)
    assert (scene.state(key), scene.counts(key)) == ("cancelled", {"succeeded": 2, "cancelled": 2})
    view = retrying.retry(scene.context, key)
    assert (view.row.state, view.row.cancelled_at, scene.counts(key)) == ("queued", None, {"succeeded": 2, "queued": 2})
    scene.finish_all()
    assert [answer(scene), answer(scene)] == [2, 2]
    assert scene.state(key) == "succeeded"
    assert sound(scene)


def test_probes_that_a_cancellation_kept_from_being_asked_are_asked(scene: Scene) -> None:
    key = scene.submit(probes=PROBE)
    claimed = scene.claim()
    experiments.cancel(scene.context, key)
    scene.finish(claimed)
    assert (scene.state(key), scene.counts(key)) == ("cancelled", {"succeeded": 2})
    assert retrying.retry(scene.context, key).row.state == "running"
    assert (answer(scene), scene.state(key)) == (2, "succeeded")


def test_a_search_goes_on_behind_what_is_retried(scene: Scene) -> None:
    key = scene.submit(lengths={"search": {"low": 2, "high": 30}}, repeats=4)
    scene.fail(scene.claim(), Reason.ERROR, "It broke.")
    while (claimed := scene.try_claim()) is not None:
        scene.finish(claimed, test_accuracy=0.2)
    assert scene.state(key) == "partial"
    retrying.retry(scene.context, key)
    while (claimed := scene.try_claim()) is not None:
        scene.finish(claimed, test_accuracy=0.2)
    assert scene.state(key) == "succeeded"
    assert sound(scene)


def test_the_time_of_an_experiment_begins_anew(scene: Scene) -> None:
    key = scene.submit(limits={"max_seconds": 1e-6})
    claimed = scene.claim()
    scene.fail(claimed, Reason.TIMEOUT, "Too late.")
    assert scene.state(key) == "failed"
    view = retrying.retry(scene.context, key)
    assert (view.row.started_at, view.row.finished_at) == (None, None)
    patrol.walk(scene.context, "patrol")
    assert scene.claim().runs


def test_what_is_active_or_has_succeeded_is_not_retried(scene: Scene) -> None:
    key = scene.submit(probes=PROBE)
    with pytest.raises(Conflict, match=r"exp-\d+ is queued: it can be retried once it has ended"):
        retrying.retry(scene.context, key)
    scene.finish_all()
    answer(scene)
    with pytest.raises(Conflict, match="nothing to retry"):
        retrying.retry(scene.context, key)


def test_only_its_owner_or_an_admin_retries_and_is_charged(scene: Scene) -> None:
    key = two_failed_of_three(scene)
    with pytest.raises(Forbidden, match="only its owner or an admin"):
        retrying.retry(scene.context, key, Caller("bob", Scope.RUN))
    retrying.retry(scene.context, key, Caller("root", Scope.ADMIN))
    with scene.context.database.reading() as connection:
        assert connection.execute(select(charges.c.owner, charges.c.core_seconds > 0)).all() == [("root", True)]
    with pytest.raises(Conflict):
        retrying.retry(scene.context, key)


def test_the_counters_of_what_ended_do_not_count_what_is_queued_again(scene: Scene) -> None:
    key = two_failed_of_three(scene)
    scene.context.database.counts.take()
    retrying.retry(scene.context, key)
    assert not [name for name in scene.context.database.counts.take() if "ended" in str(name)]
