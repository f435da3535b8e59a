"""A run that was interrupted ends with the same bits as one that was not."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as choose

from memspan.engine.condition import Condition
from memspan.engine.placement import place
from memspan.engine.snapshot import Position, Snapshot, SnapshotUnreadable
from memspan.engine.trainer import Trainer
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.optimizers.adam import Adam
from memspan.optimizers.rmsprop import RMSprop
from memspan.optimizers.sgd import SGD
from memspan.tasks.first_last import FirstLast
from tests.unit.engine.populations import STEPS, Story, carried, condition, stopped, stories

EVENTS = 3 * (STEPS + 1)
"""Stepped and Evaluated events of a whole run"""
CASES = {
    "adam, fixed data": condition(optimizer=Adam(learning_rate=0.05), best=True),
    "rmsprop with momentum, own data": condition(
        LSTM(hidden_size=(3, 2), activation="softplus"), FirstLast(), 5, best=True, data="per_repeat",
        optimizer=RMSprop(learning_rate=0.02, momentum=0.9), clip_norm=0.5, weight_decay=0.01,
    ),
    "nesterov, fresh data": condition(
        GRU(hidden_size=1), data="fresh", optimizer=SGD(learning_rate=0.5, momentum=0.9, nesterov=True)
    ),
    "plain descent": condition(RNN(hidden_size=1, activation="relu"), optimizer=SGD()),
}  # fmt: skip
REPEATS = (0, 2, 3)


@cache
def uninterrupted(name: str) -> dict[int, Story]:
    return stories(CASES[name], REPEATS)


def last_part(whole: Story, after: int) -> Story:
    """A story without the epochs that were told before an interruption."""
    epochs = whole.epochs[after // (STEPS + 1) :]
    return Story(epochs, whole.metrics, whole.weights, whole.ended)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=12, deadline=None)
@given(after=choose.integers(0, EVENTS))
def test_a_run_goes_on_from_any_event_to_the_same_bits(name: str, after: int) -> None:
    """Mid-epoch, between epochs and before the evaluation; best weights, sums and optimiser memory included."""
    snapshots = carried(stopped(CASES[name], REPEATS, after).snapshots())
    resumed = stories(CASES[name], REPEATS, snapshots)
    assert resumed == {repeat: last_part(story, after) for repeat, story in uninterrupted(name).items()}


@settings(max_examples=10, deadline=None)
@given(parts=choose.lists(choose.integers(1, 6), min_size=2, max_size=5))
def test_several_interruptions_change_nothing(parts: list[int]) -> None:
    """Each slice gives some events and stops; a slice that would end the run is the last."""
    name = "rmsprop with momentum, own data"
    snapshots, done = None, 0
    for part in parts:
        if done + part > EVENTS:
            break
        snapshots = carried(stopped(CASES[name], REPEATS, part, snapshots).snapshots())
        done += part
    resumed = stories(CASES[name], REPEATS, snapshots)
    assert resumed == {repeat: last_part(story, done) for repeat, story in uninterrupted(name).items()}


@settings(max_examples=8, deadline=None)
@given(after=choose.integers(0, EVENTS), kept=choose.sets(choose.sampled_from(REPEATS), min_size=1))
def test_a_run_may_go_on_in_other_company(after: int, kept: set[int]) -> None:
    name = "adam, fixed data"
    snapshots = carried(stopped(CASES[name], REPEATS, after).snapshots(), kept)
    resumed = stories(CASES[name], sorted(kept), snapshots)
    assert resumed == {repeat: last_part(uninterrupted(name)[repeat], after) for repeat in kept}


SCORED_LONG = condition(
    LSTM(hidden_size=100), length=50, epochs=1, train_size=10, validation_size=1_000, test_size=1_300, best=True
)
"""two steps of training; scored in three and in four blocks of 419 sequences"""


def test_a_run_goes_on_from_the_middle_of_a_data_set_that_is_scored() -> None:
    whole = stories(SCORED_LONG, (0,))[0]
    assert len(list(Trainer(place(SCORED_LONG), (0,)).events())) == 2 + 2 + 1 + 3 + 1
    scored = []
    for after in range(9):
        snapshots = carried(stopped(SCORED_LONG, (0,), after).snapshots())
        scored.append(snapshots[0].position.scored)
        resumed = stories(SCORED_LONG, (0,), snapshots)[0]
        assert (resumed.metrics, resumed.weights, resumed.ended) == (whole.metrics, whole.weights, whole.ended)
    assert scored == [0, 0, 0, 419, 838, 0, 419, 838, 1257]


def test_runs_that_stopped_at_different_places_of_a_data_set_score_it_from_its_start() -> None:
    asked = condition(LSTM(hidden_size=30), length=50, epochs=1, train_size=10, validation_size=1_000, test_size=20)
    early, late = (carried(stopped(asked, (0, 1), after).snapshots()) for after in (3, 4))
    assert early[0].position.scored != late[1].position.scored
    assert stories(asked, (0, 1), {0: early[0], 1: late[1]}) == stories(asked, (0, 1))


def test_looking_at_the_snapshots_disturbs_nothing() -> None:
    name = "adam, fixed data"
    trainer = Trainer(place(CASES[name]), REPEATS)
    for _event in trainer.events():
        trainer.snapshots()
    final = trainer.snapshots()
    for repeat, story in uninterrupted(name).items():
        row = b"".join(story.weights[f"last.{n}"] for n in CASES[name].network().weights)
        assert final[repeat].vectors["weights"].numpy().tobytes() == row


def test_a_snapshot_is_not_moved_by_the_training_that_follows() -> None:
    trainer = Trainer(place(CASES["adam, fixed data"]), REPEATS)
    events = trainer.events()
    next(events)
    taken = trainer.snapshots()
    before = {name: vector.clone() for name, vector in taken[0].vectors.items()}
    for _ in range(6):
        next(events)
    assert all(torch.equal(before[name], taken[0].vectors[name]) for name in before)


def test_position_and_progress_say_where_a_run_stands() -> None:
    trainer = Trainer(place(CASES["plain descent"]), REPEATS)
    seen = []
    for _ in trainer.events():
        seen.append((trainer.position, round(trainer.progress, 6)))
    assert seen[:6] == [((0, 1), 0.25), ((0, 2), 0.5), ((0, 3), 0.75), ((0, 4), 1.0), ((1, 0), 1.0), ((1, 1), 1.25)]
    assert seen[-1] == ((3, 0), 3.0)


def test_time_spent_adds_up_over_slices() -> None:
    first = stopped(CASES["plain descent"], REPEATS, 3).snapshots()
    second = stopped(CASES["plain descent"], REPEATS, 3, first).snapshots()
    assert 0 < first[0].position.seconds < second[0].position.seconds


@settings(max_examples=30, deadline=None)
@given(
    number=choose.floats(width=64, allow_nan=True, allow_infinity=True),
    numbers=choose.lists(choose.floats(width=32, allow_nan=True, allow_infinity=True), min_size=1, max_size=9),
)
def test_a_snapshot_comes_back_from_its_bytes_to_the_bit(number: float, numbers: list[float]) -> None:
    position = Position(2, 3, {"loss": number}, number, 1, {"train_loss": number}, 4, 1.5)
    back = Snapshot.from_bytes(Snapshot(position, {"weights": torch.tensor(numbers)}).to_bytes())
    assert repr(back.position) == repr(position)
    assert back.vectors["weights"].numpy().tobytes() == torch.tensor(numbers).numpy().tobytes()


@pytest.mark.parametrize("spoil", [lambda d: b"", lambda d: d[:40], lambda d: d[:-1], lambda d: b"\xff" * len(d)])
def test_bytes_that_are_no_snapshot_are_named_so(spoil: object) -> None:
    data = Trainer(place(CASES["plain descent"]), REPEATS).snapshots()[0].to_bytes()
    with pytest.raises(SnapshotUnreadable, match="it starts again"):
        Snapshot.from_bytes(spoil(data))  # type: ignore[operator]


def test_a_condition_is_not_touched_by_training() -> None:
    asked: Condition = CASES["plain descent"]
    before = repr(asked)
    stories(asked, REPEATS)
    assert repr(asked) == before
