"""Telling: listeners hear of progress now and then, of every state and every run that ended, and at last exactly."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from service.operations import events, experiments, telling
from service.operations.turns_to_tell import TurnsToTell
from service.storage.states import Reason
from tests.scenes import Scene

HOUR = 3_600.0


def happened(scene: Scene, key: int, kind: str) -> list[dict[str, object]]:
    return [each.body for each in events.after(scene.context, key, 0, 1_000) if each.type == kind]


def test_within_the_time_between_two_turns_listeners_hear_of_progress_once(scene: Scene) -> None:
    rare = Scene(replace(scene.context, tell_seconds=HOUR))
    key = rare.submit(lengths=[2, 3, 4, 5, 6, 7])
    for _ in range(5):
        claimed = rare.claim()
        rare.tell(claimed)
        rare.finish(claimed)
    assert len(happened(rare, key, "progress")) <= 1


def test_no_state_and_no_end_of_a_run_is_left_untold_and_the_last_progress_is_exact(scene: Scene) -> None:
    rare = Scene(replace(scene.context, tell_seconds=HOUR))
    key = rare.submit(lengths=[2, 3, 4, 5])
    rare.finish(rare.claim())
    experiments.pause(rare.context, key)
    experiments.resume(rare.context, key)
    rare.fail(rare.claim(), Reason.ERROR, "it broke")
    assert rare.finish_all() == 2
    told = [each["state"] for each in happened(rare, key, "state")]
    assert told == ["queued", "running", "paused", "running", "partial"]
    ended = Counter[object]()
    for each in happened(rare, key, "runs"):
        ended[each["state"]] += int(str(each["count"]))
    assert ended == {"succeeded": 6, "failed": 2}
    last = happened(rare, key, "progress")[-1]
    assert (last["runs"], last["state"]) == (experiments.look(rare.context, key).counts["runs"], "partial")


def test_nothing_is_told_after_the_end(scene: Scene) -> None:
    key = scene.submit()
    assert scene.finish_all()
    late = replace(scene.context, tell_seconds=0.0)  # another process, which still has something to tell
    late.turns_to_tell.tried(key, told=False)
    telling.tell_the_rest(late)
    assert events.after(scene.context, key, 0, 1_000)[-1].type == "state"
    assert late.turns_to_tell.waiting() == []


def test_what_came_too_soon_is_remembered_until_its_turn() -> None:
    clock = [0.0]
    turns = TurnsToTell(1.0, lambda: clock[0])
    assert turns.due(7)
    turns.tried(7, told=True)
    clock[0] = 0.5
    assert not turns.due(7)
    assert turns.waiting() == []
    clock[0] = 1.0
    assert turns.waiting() == [7]
    turns.tried(7, told=False)  # another process was faster
    clock[0] = 2.0
    assert turns.waiting() == [7]
    turns.tried(7, told=True)
    clock[0] = 9.0
    assert turns.waiting() == []


def test_telling_takes_a_tenth_of_the_time_at_most() -> None:
    clock = [0.0]
    turns = TurnsToTell(1.0, lambda: clock[0])
    turns.tried(7, told=True, took=0.02)
    clock[0] = 0.17
    assert not turns.due(8)
    assert turns.waiting() == []
    clock[0] = 0.19
    assert turns.waiting() == [8]
    assert turns.due(8)
    turns.tried(8, told=True, took=5.0)  # a database that was away meanwhile silences nobody for long
    clock[0] = 1.2
    assert turns.due(9)


def test_nothing_is_waiting_of_what_is_over() -> None:
    turns = TurnsToTell(1.0, lambda: 0.0)
    turns.tried(7, told=False)
    turns.over(7)
    assert turns.waiting() == []
    assert turns.due(7)
