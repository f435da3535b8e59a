"""What is drawn for whom."""

from __future__ import annotations

import torch
from torch import Tensor

from memspan.engine.datasets import TrainingData, drawing, split
from memspan.engine.scored_set import ScoredSet
from memspan.engine.seeds import stream
from memspan.interfaces.batch import Batch
from memspan.models.gru import GRU
from memspan.tasks import parts, sample
from tests.unit.engine.populations import STEPS, condition

CPU = torch.device("cpu")


def epoch(data: TrainingData, number: int = 0) -> list[Batch]:
    return [data.batch(number, step) for step in range(STEPS)]


def every(scored: ScoredSet) -> Tensor:
    """All inputs of a data set."""
    return scored.rows(0, len(scored)).inputs


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
    mine, its = ([one.train.inputs, *(every(part) for part in (one.validation, one.test))] for one in (lstm, gru))
    assert all(map(torch.equal, mine, its))
    sets = [{tuple(row.flatten().tolist()) for row in inputs} for inputs in mine]
    assert [len(each) for each in sets] == [18, 7, 11]
    assert len(set.union(*sets)) == 36


LARGE = condition(length=1_000, train_size=9_001, validation_size=18_000, test_size=17_003)
"""more numbers than a part has"""


def test_large_sets_are_drawn_part_after_part_and_are_the_same_to_the_bit() -> None:
    split(condition())  # another draw takes the place of this one
    assert len(list(drawing(LARGE))) == len(parts(LARGE.task, 1_000, 27_001)) == 2
    found, whole = split(LARGE), sample(LARGE.task, 1_000, 27_001, stream(LARGE.data_seed, "train"), "train")
    assert torch.equal(found.train.inputs, whole.inputs[:9_001])
    assert torch.equal(every(found.validation), whole.inputs[9_001:])
    assert torch.equal(every(found.test), sample(LARGE.task, 1_000, 17_003, stream(LARGE.data_seed, "test")).inputs)
    assert list(drawing(LARGE)) == []


def test_a_large_test_set_is_never_there_as_a_whole_and_gives_its_rows_again() -> None:
    test = split(LARGE).test
    start, part = test.part(17_000)
    assert start > 0
    assert len(part) < len(test)
    border = test.rows(start - 5, 10)
    assert torch.equal(border.inputs[5:], part.inputs[:5])
    assert torch.equal(test.rows(0, 3).inputs, every(test)[:3])
    assert len(test.rows(17_000, 100)) == 3


def test_a_training_set_that_nobody_trains_on_is_not_kept() -> None:
    fresh = condition(length=1_000, train_size=9_001, validation_size=18_000, test_size=16, data="fresh")
    assert len(split(fresh).train) == 0
    assert torch.equal(every(split(fresh).validation)[:9], every(split(LARGE).validation)[:9])
