"""Runs that are trained until they have converged: each ends by its own rule, to the same bits whatever happens."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import inf, nan
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as choose

from memspan.engine.condition import Condition
from memspan.engine.ending import FEWEST, Goal, Pace, guessing_loss
from memspan.engine.events import Evaluated
from memspan.engine.placement import EngineName, place
from memspan.engine.trainer import Trainer
from memspan.models.mlp import MLP
from memspan.optimizers.adam import Adam
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from memspan.training import Until
from tests.unit.engine.populations import STEPS, Story, carried, condition, stopped, stories

GOAL = Goal("validation_accuracy", above=True, bound=0.99, guessing=0.6)
REPEATS = (0, 1, 2, 3)


def paced(*epochs: tuple[float, float], goal: Goal = GOAL) -> list[int]:
    """The epochs after which a run may end that validated these losses and accuracies."""
    pace, found = Pace(), []
    for epoch, (loss, accuracy) in enumerate(epochs, start=1):
        pace = pace.after(epoch, {"validation_loss": loss, "validation_accuracy": accuracy}, goal)
        if pace.ends(epoch, goal):
            found.append(epoch)
    return found


def test_a_run_that_meets_the_goal_three_times_in_a_row_has_solved_its_task() -> None:
    falling = [(0.5 / n, accuracy) for n, accuracy in enumerate([0.9, 1, 1, 0.9, 1, 1, 1, 1], start=1)]
    assert paced(*falling) == [7, 8]


def test_a_run_that_got_no_lower_for_half_of_its_epochs_no_longer_improves() -> None:
    assert paced(*[(0.3, 0.8)] * 12)[0] == 1 + FEWEST, "ten epochs at least"
    late = [(0.5 - 0.01 * n, 0.8) for n in range(30)] + [(0.3, 0.8)] * 40
    assert paced(*late)[0] == 60, "as many again as it took to get there"


def test_a_loss_that_creeps_by_less_than_a_hundredth_is_not_lower() -> None:
    assert paced(*[(0.3 * 0.9999**n, 0.8) for n in range(30)])[0] == 1 + FEWEST
    assert paced(*[(0.3 * 0.98**n, 0.8) for n in range(60)]) == []


def test_a_run_at_the_level_of_guessing_goes_on() -> None:
    assert paced(*[(0.69, 0.5)] * 200) == []
    assert paced(*[(0.69, 0.5)] * 50, *[(0.3, 0.8)] * 60)[0] == 102


def test_a_number_that_is_none_meets_no_goal() -> None:
    assert not GOAL.met({"validation_accuracy": nan})
    assert Pace().after(1, {"validation_loss": nan, "validation_accuracy": nan}, GOAL) == Pace()


def test_the_level_of_guessing_is_that_of_a_constant_or_of_equal_probabilities() -> None:
    classes, numbers = condition(), condition(task=FirstLast())
    assert guessing_loss(classes.task, 4, classes.signature, 20_000) == pytest.approx(0.6931 * (1 - 0.0233), abs=1e-4)
    assert guessing_loss(numbers.task, 4, numbers.signature, 20_000) == pytest.approx(2 * (1 - 0.0233), abs=1e-3)
    assert guessing_loss(numbers.task, 4, numbers.signature, 3) == pytest.approx(1.0)


def until(at_most: int = 40, **fields: Any) -> Condition:
    """A latch that some repeats learn sooner than others."""
    asked = condition(
        task=Latch(), length=3, optimizer=Adam(learning_rate=0.05), epochs=Until(until="converged", at_most=at_most),
        validation_size=40, train_size=18, **fields,
    )  # fmt: skip
    return replace(asked, goal=Goal("validation_accuracy", above=True, bound=0.95, guessing=0.6))


@cache
def uninterrupted() -> dict[int, Story]:
    return stories(until(), REPEATS)


def test_repeats_end_after_epochs_of_their_own_and_are_told_of_no_more() -> None:
    ends = {repeat: story.ended[1] for repeat, story in uninterrupted().items()}
    assert len(set(ends.values())) > 1
    assert min(ends.values()) < 40
    for repeat, story in uninterrupted().items():
        assert [epoch for epoch, _ in story.epochs] == list(range(1, ends[repeat] + 1))
        assert f"('steps', {float(ends[repeat] * STEPS)})" in story.metrics


def test_a_run_ends_as_it_would_alone() -> None:
    for repeat in REPEATS:
        assert stories(until(), [repeat])[repeat] == uninterrupted()[repeat]


def test_up_to_its_end_a_run_is_the_one_that_is_trained_for_so_long() -> None:
    for repeat, story in uninterrupted().items():
        last = story.ended[1]
        plain = replace(until(), goal=None, training=until().training.model_copy(update={"epochs": last}))
        fixed = stories(plain, [repeat])[repeat]
        assert (fixed.epochs, fixed.weights) == (story.epochs, story.weights)


@settings(max_examples=12, deadline=None)
@given(after=choose.integers(0, 60))
def test_a_run_goes_on_from_any_event_to_the_same_bits(after: int) -> None:
    trainer, events, told = Trainer(place(until()), REPEATS), 0, dict.fromkeys(REPEATS, 0)
    for event in trainer.events():
        if events == after:
            break
        events += 1
        if isinstance(event, Evaluated):
            told |= dict.fromkeys(event.metrics, event.epoch)
    else:
        return  # it was over before
    if events < after or trainer.progress == 40:
        return
    taken = stopped(until(), REPEATS, after)
    done = taken.position[0]
    resumed = stories(until(), REPEATS, carried(taken.snapshots()))
    for repeat, story in uninterrupted().items():
        assert resumed[repeat] == replace(story, epochs=story.epochs[min(done, story.ended[1]) :])


def test_the_trainer_is_through_when_all_have_ended() -> None:
    trainer = Trainer(place(until(at_most=400)), REPEATS)
    for _ in trainer.events():
        pass
    assert trainer.progress == 400
    assert trainer.computed == max(story.ended[1] for story in uninterrupted().values()) < 400


def test_one_that_diverges_beside_the_others_has_not_converged() -> None:
    snapshots = stopped(until(), REPEATS, STEPS + 1).snapshots()
    vectors = {**snapshots[1].vectors, "weights": snapshots[1].vectors["weights"] * nan}
    beside = stories(until(), REPEATS, snapshots | {1: replace(snapshots[1], vectors=vectors)})
    assert beside[1].ended[2] is not None
    alone = {repeat: beside[repeat].weights for repeat in REPEATS if repeat != 1}
    assert alone == {repeat: uninterrupted()[repeat].weights for repeat in REPEATS if repeat != 1}


@pytest.mark.parametrize("engine", ["fused", "torch"])
def test_every_engine_ends_its_runs(engine: EngineName) -> None:
    asked = until() if engine == "fused" else replace(until(), model=MLP(hidden_size=4))
    found = stories(asked, REPEATS)
    assert {story.ended[1] for story in found.values()} != {40}


def test_weights_that_a_run_ends_with_are_those_of_its_last_epoch() -> None:
    trainer = Trainer(place(until()), REPEATS)
    rows: dict[int, torch.Tensor] = {}
    for event in trainer.events():
        if isinstance(event, Evaluated):
            for repeat in event.metrics:
                rows[repeat] = trainer.snapshots()[repeat].vectors["weights"].clone()
    for repeat, snapshot in trainer.snapshots().items():
        assert torch.equal(snapshot.vectors["weights"], rows[repeat])
    assert inf > max(snapshot.position.lowest for snapshot in trainer.snapshots().values())
