"""A run's bits don't depend on its mates, on how many steps a call does, or on an interruption."""

from __future__ import annotations

import pytest

from memspan.engine.condition import Condition
from memspan.engine.fused import backend
from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.interfaces.model import ModelSpec
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.optimizers.rmsprop import RMSprop
from tests.contract.variants import named
from tests.unit.engine.populations import carried, condition, stopped, stories

SPECS = [RNN(hidden_size=1), LSTM(hidden_size=1), GRU(hidden_size=2), LSTM(hidden_size=7), LSTM(hidden_size=(1, 2)),
         RNN(hidden_size=(9, 1)), LSTM(hidden_size=1, bidirectional=True)]  # fmt: skip
each_spec = pytest.mark.parametrize("spec", SPECS, ids=named)


def asked(spec: ModelSpec, data: str = "fixed") -> Condition:
    return condition(spec, length=19, optimizer=RMSprop(momentum=0.5), clip_norm=0.2, batch_size=17, train_size=70,
                     data=data, best=True)  # fmt: skip


@each_spec
def test_mates_change_nothing(spec: ModelSpec) -> None:
    """Side by side in threes, alone, and in another order."""
    together = stories(asked(spec), range(7))
    for repeats in [(0,), (6,), (3, 5), (5, 4, 3, 2, 1, 0)]:
        assert stories(asked(spec), repeats) == {repeat: together[repeat] for repeat in repeats}


@pytest.mark.parametrize("data", ["fixed", "per_repeat", "fresh"])
@each_spec
def test_steps_one_by_one_or_an_epoch_at_once_are_the_same(spec: ModelSpec, data: str) -> None:
    """Snapshots taken after each step, against one call an epoch."""
    slow = stories(asked(spec, data), (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "CALL_SECONDS", 100.0)
        assert stories(asked(spec, data), (0, 1)) == slow


@pytest.mark.parametrize("after", [1, 4, 6, 8])
def test_a_resume_with_other_mates_goes_on_to_the_same_bits(after: int) -> None:
    whole = stories(asked(LSTM(hidden_size=1)), range(4))
    snapshots = carried(stopped(asked(LSTM(hidden_size=1)), range(4), after).snapshots(), (1, 3))
    resumed = stories(asked(LSTM(hidden_size=1)), (1, 3), snapshots)
    for repeat, story in resumed.items():
        assert story.weights == whole[repeat].weights
        assert story.metrics == whole[repeat].metrics


def test_any_number_of_repeats_fits_together() -> None:
    trainer = Trainer(place(asked(RNN(hidden_size=1))), (3, 35, 67))
    assert trainer.engine == "fused"
    assert set(trainer.snapshots()) == {3, 35, 67}
