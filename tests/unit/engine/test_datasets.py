"""What is drawn for whom."""

from __future__ import annotations

import torch

from memspan.engine.datasets import TrainingData, split
from memspan.interfaces.batch import Batch
from memspan.models.gru import GRU
from tests.unit.engine.populations import STEPS, condition

CPU = torch.device("cpu")


def epoch(data: TrainingData, number: int = 0) -> list[Batch]:
    return [data.batch(number, step) for step in range(STEPS)]


def rows(batches: list[Batch], member: int) -> list[tuple[float, ...]]:
    """A member's sequences of an epoch in the order shown."""
    return [tuple(row.flatten().tolist()) for batch in batches for row in batch.inputs[member]]


def test_an_epoch_shows_every_sequence_once_and_the_last_batch_is_what_is_left() -> None:
    asked = condition()
    batches = epoch(TrainingData(asked, [1, 2], CPU))
    assert [batch.inputs.shape[1] for batch in batches] == [5, 5, 5, 3]
    whole = sorted(tuple(row.flatten().tolist()) for row in split(asked).train.inputs)
    assert sorted(rows(batches, 0)) == sorted(rows(batches, 1)) == whole


def test_members_and_epochs_are_shuffled_apart() -> None:
    data = TrainingData(condition(), [1, 2], CPU)
    first, second = epoch(data, 0), epoch(data, 1)
    orders = [rows(first, 0), rows(first, 1), rows(second, 0), rows(second, 1)]
    assert all(orders[i] != orders[j] for i in range(4) for j in range(i))
    assert rows(epoch(data, 0), 0) == orders[0]


def test_targets_travel_with_their_sequences() -> None:
    for kind in ("fixed", "per_repeat", "fresh"):
        for batch in epoch(
            TrainingData(condition(data=kind, task=condition().task.model_copy(update={"noise": 0.0})), [1, 2], CPU)
        ):
            assert torch.equal(batch.inputs[..., 0, 0], 2.0 * batch.targets - 1.0)


def test_repeats_may_have_sets_of_their_own() -> None:
    batches = epoch(TrainingData(condition(data="per_repeat"), [1, 2], CPU))
    again = epoch(TrainingData(condition(data="per_repeat"), [1, 2], CPU), 1)
    assert not set(rows(batches, 0)) & set(rows(batches, 1))
    assert sorted(rows(batches, 0)) == sorted(rows(again, 0))


def test_fresh_sequences_are_shown_once() -> None:
    data = TrainingData(condition(data="fresh"), [1, 2], CPU)
    shown = rows(epoch(data, 0), 0) + rows(epoch(data, 1), 0) + rows(epoch(data, 0), 1)
    assert len(set(shown)) == len(shown) == 3 * 18


def test_validation_and_test_sets_are_shared_and_apart_from_training() -> None:
    lstm, gru = split(condition()), split(condition(GRU(hidden_size=4)))
    assert all(
        torch.equal(getattr(lstm, part).inputs, getattr(gru, part).inputs) for part in ("train", "validation", "test")
    )
    sets = [
        {tuple(row.flatten().tolist()) for row in getattr(lstm, part).inputs}
        for part in ("train", "validation", "test")
    ]
    assert [len(each) for each in sets] == [18, 7, 11]
    assert len(set.union(*sets)) == 36
