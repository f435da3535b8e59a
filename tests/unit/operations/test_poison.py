"""Poison: a run that takes its worker down takes no other with it."""

from __future__ import annotations

import pytest

from service.operations import finish_runs, patrol, work
from service.operations.finish_runs import TrainedStack
from service.operations.splitting import give_back_in_halves
from service.operations.work import ClaimedRuns
from service.queue_names import Queue
from service.storage import conditions, stacks, tallies
from service.storage.leases import Helping
from service.storage.states import Reason, RunState
from tests.scenes import Scene, outcome


def sound(scene: Scene) -> bool:
    with scene.context.database.reading() as connection:
        return tallies.wrong(connection) == conditions.wrong(connection) == stacks.wrong(connection) == []


def hand_in(scene: Scene, claimed: list[ClaimedRuns]) -> None:
    finish_runs.hand_in(
        scene.context,
        [TrainedStack(each, {repeat: outcome(repeat) for repeat in each.runs}, 1.0, {}, "fused") for each in claimed],
    )


@pytest.mark.parametrize("together", [1, 4])
def test_a_poison_run_fails_alone_and_all_others_finish(scene: Scene, together: int) -> None:
    key = scene.submit(repeats=13, lengths=[2, 3], probes=[{"kind": "change", "index": 0}])
    poison, deaths = (0, 5), 0
    while claimed := work.claim_several(scene.context, f"worker-{deaths}", [Queue.CPU], Helping(together, 1e9)):
        assert sound(scene)
        if any((each.position, repeat) == poison for each in claimed for repeat in each.runs):
            patrol.take_back(scene.context, f"worker-{deaths}")
            deaths += 1
        else:
            hand_in(scene, list(claimed))
    assert sound(scene)
    assert scene.counts(key) == {"succeeded": 25, "failed": 1}
    assert deaths <= 10


def test_a_stack_that_got_somewhere_is_not_divided(scene: Scene) -> None:
    scene.submit(repeats=4)
    for number in range(4):
        claimed = scene.claim(f"worker-{number}")
        assert len(claimed.runs) == 4
        scene.keep(claimed, epoch=0, step=number + 1)
        patrol.take_back(scene.context, f"worker-{number}")


def test_what_is_too_much_for_a_worker_together_is_tried_in_halves(scene: Scene) -> None:
    key = scene.submit(repeats=3)
    sizes = []
    while (claimed := scene.try_claim()) is not None:
        sizes.append(len(claimed.runs))
        if 1 not in claimed.runs:
            scene.finish(claimed)
        elif not give_back_in_halves(scene.context, claimed):
            finish_runs.end(scene.context, claimed, RunState.FAILED, Reason.OUT_OF_MEMORY, "alone")
        assert sound(scene)
    assert sorted(sizes) == [1, 1, 1, 2, 3]
    assert scene.counts(key) == {"succeeded": 2, "failed": 1}


def test_short_stacks_are_claimed_together_and_handed_in_in_one_unit_of_work(scene: Scene) -> None:
    first, second = scene.submit(lengths=[2, 3, 4]), scene.submit()
    claimed = work.claim_several(scene.context, "worker", [Queue.CPU], Helping(8, 1e9))
    assert len({each.lease for each in claimed}) == 1
    assert sorted(each.experiment for each in claimed) == [first] * 3 + [second]
    hand_in(scene, list(claimed))
    assert (scene.state(first), scene.state(second)) == ("succeeded", "succeeded")
    assert sound(scene)


def test_no_more_is_claimed_than_is_done_in_the_time(scene: Scene) -> None:
    scene.submit(lengths=[2, 3, 4])
    (alone,) = work.claim_several(scene.context, "worker", [Queue.CPU], Helping(8, 0.0))
    assert alone.condition.length == 4
