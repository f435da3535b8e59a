"""A loss that stops being finite is a result of one run, and of nobody else."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from memspan.engine.condition import Condition
from memspan.engine.events import Evaluated, Finished
from memspan.engine.placement import place
from memspan.engine.snapshot import Snapshot
from memspan.engine.trainer import Trainer
from memspan.models.rnn import RNN
from memspan.optimizers.sgd import SGD
from memspan.tasks.first_last import FirstLast
from tests.unit.engine.populations import STEPS, carried, condition, finish, stopped, stories

REPEATS = (0, 1, 2, 3)
SICK = 2
SPOILT: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "not a number": lambda weights: weights * math.nan,
    "infinite": lambda weights: torch.full_like(weights, math.inf),
    "too large": lambda weights: weights * 1e30,
}


def regression(best: bool = False) -> Condition:
    return condition(RNN(hidden_size=2, activation="relu"), FirstLast(), best=best, epochs=5)


def spoilt(asked: Condition, after: int, how: str) -> dict[int, Snapshot]:
    """Snapshots after some events, in which one run's weights are gone."""
    taken = stopped(asked, REPEATS, after).snapshots()
    vectors = {**taken[SICK].vectors, "weights": SPOILT[how](taken[SICK].vectors["weights"])}
    return taken | {SICK: replace(taken[SICK], vectors=vectors)}


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("after", [0, 2, STEPS + 3])
def test_its_mates_keep_every_bit(how: str, after: int) -> None:
    asked = regression()
    well = stories(asked, REPEATS, stopped(asked, REPEATS, after).snapshots())
    beside = stories(asked, REPEATS, spoilt(asked, after, how))
    assert {r: beside[r] for r in REPEATS if r != SICK} == {r: well[r] for r in REPEATS if r != SICK}


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize(("after", "epoch"), [(0, 1), (STEPS, 1), (STEPS + 1, 2), (2 * (STEPS + 1) + 1, 3)])
def test_its_epoch_is_kept_and_its_metrics_are_told_once_and_truthfully(how: str, after: int, epoch: int) -> None:
    trainer = Trainer(place(regression()), REPEATS, spoilt(regression(), after, how))
    told = []
    for event in trainer.events():
        if isinstance(event, Evaluated) and SICK in event.metrics:
            told.append((event.epoch, event.metrics[SICK]))
        if isinstance(event, Finished):
            outcome = event.outcomes[SICK]
    assert [number for number, _ in told] == [epoch]
    assert not math.isfinite(told[0][1]["validation_loss"])
    assert outcome.diverged_at == outcome.last_epoch == epoch
    assert not math.isfinite(outcome.metrics["validation_loss"])
    assert not math.isfinite(outcome.metrics["test_loss"])


def test_the_weights_of_its_last_sound_epoch_stay_the_best() -> None:
    asked = regression(best=True)
    trainer = Trainer(place(asked), REPEATS, spoilt(asked, STEPS + 1, "not a number"))
    outcome = next(e for e in trainer.events() if isinstance(e, Finished)).outcomes[SICK]
    assert outcome.best_epoch == 1
    assert outcome.diverged_at == 2
    assert all(weight.isfinite().all() for weight in outcome.best.values())
    assert any(weight.isnan().any() for weight in outcome.last.values())
    assert math.isfinite(outcome.metrics["test_loss"])
    assert math.isnan(outcome.metrics["validation_loss"])


def test_a_run_that_never_was_sound_has_its_last_weights_as_best() -> None:
    trainer = Trainer(place(regression()), REPEATS, spoilt(regression(), 0, "not a number"))
    outcome = next(e for e in trainer.events() if isinstance(e, Finished)).outcomes[SICK]
    assert outcome.best_epoch == outcome.last_epoch == outcome.diverged_at == 1
    for name, weight in outcome.last.items():
        assert torch.equal(weight.isnan(), outcome.best[name].isnan())


def test_a_huge_learning_rate_makes_all_diverge_and_ends_early_with_full_progress() -> None:
    asked = condition(RNN(hidden_size=2, activation="relu"), FirstLast(), length=30, epochs=50,
                      optimizer=SGD(learning_rate=100.0))  # fmt: skip
    trainer = Trainer(place(asked), REPEATS)
    events = list(trainer.events())
    evaluations = [event for event in events if isinstance(event, Evaluated)]
    assert len(evaluations) < 10
    assert trainer.progress == 50.0
    assert isinstance(events[-1], Finished)
    assert all(outcome.diverged_at for outcome in events[-1].outcomes.values())


def test_a_classification_s_accuracy_is_nan_where_its_answers_are() -> None:
    taken = stopped(condition(), (0, 1), 0).snapshots()
    vectors = {**taken[0].vectors, "weights": taken[0].vectors["weights"] * math.nan}
    trainer = Trainer(place(condition()), (0, 1), taken | {0: replace(taken[0], vectors=vectors)})
    outcomes = next(e for e in trainer.events() if isinstance(e, Finished)).outcomes
    assert all(math.isnan(outcomes[0].metrics[f"{split}_accuracy"]) for split in ("train", "validation", "test"))
    assert all(math.isfinite(value) for value in outcomes[1].metrics.values())


@pytest.mark.parametrize("after", [STEPS + 1, STEPS + 3, 3 * (STEPS + 1)])
def test_a_diverged_run_survives_an_interruption(after: int) -> None:
    """Interrupted after it diverged: the same end, and no metric again."""
    asked = regression(best=True)
    start = spoilt(asked, 0, "not a number")
    whole = stories(asked, REPEATS, start)
    trainer = stopped(asked, REPEATS, after, start)
    resumed = finish(Trainer(place(asked), REPEATS, carried(trainer.snapshots())))
    assert resumed[SICK].epochs == ()
    for repeat in REPEATS:
        assert (resumed[repeat].metrics, resumed[repeat].ended) == (whole[repeat].metrics, whole[repeat].ended)
        assert resumed[repeat].weights == whole[repeat].weights


def test_a_stack_of_diverged_runs_only_finishes_at_once_when_resumed() -> None:
    asked = condition(RNN(hidden_size=2, activation="relu"), FirstLast(), length=30, optimizer=SGD(learning_rate=100.0))
    trainer = Trainer(place(asked), REPEATS)
    for _ in trainer.events():
        pass
    again = Trainer(place(asked), REPEATS, carried(trainer.snapshots()))
    assert [type(event) for event in again.events()] == [Finished]
