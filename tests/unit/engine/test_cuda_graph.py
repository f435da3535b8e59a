"""Steps recorded as CUDA graphs: here with a recording that works on any processor, and on CUDA where it is there."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from memspan.engine.condition import Condition
from memspan.engine.cuda_graph import Recorded, Slopes, Step
from memspan.engine.denormals import denormals_flushed
from memspan.engine.events import Finished
from memspan.engine.placement import place
from memspan.engine.torch_engine import TorchEngine
from memspan.engine.trainer import Trainer
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.tasks.latch import Latch
from memspan.training import Training
from tests.unit.engine.fused.cells import start, state

SEEDS = (1, 2, 3, 4)
SIZES = {"train_size": 16 * 20 + 5, "validation_size": 30, "test_size": 40, "epochs": 3}


def asked(batch: int = 16) -> Condition:
    return Condition(Latch(noise=0.3), LSTM(hidden_size=3), 9, Training(batch_size=batch, **SIZES), seed=4)


class Tape:
    """A recording as CUDA makes it: it owns its inputs, and hands out the same tensors each time."""

    made: int = 0

    def __init__(self, step: Step, inputs: Tensor, targets: Tensor) -> None:
        type(self).made += 1
        self._step, self._given = step, (inputs.clone(), targets.clone())
        self._slopes = step(*self._given)

    def __call__(self, inputs: Tensor, targets: Tensor) -> Slopes:
        for mine, given in zip(self._given, (inputs, targets), strict=True):
            mine.copy_(given)
        outputs, gradients = self._step(*self._given)
        self._slopes[0].copy_(outputs)
        for mine, its in zip(self._slopes[1], gradients, strict=True):
            if mine is not None and its is not None:
                mine.copy_(its)
        return self._slopes


class Wrong(Tape):
    """A recording that is off by a little."""

    def __call__(self, inputs: Tensor, targets: Tensor) -> Slopes:
        outputs, gradients = super().__call__(inputs, targets)
        return outputs, [None if each is None else each * 1.01 for each in gradients]


class Impossible(Tape):
    """A step that does what no recording can hold."""

    def __init__(self, step: Step, inputs: Tensor, targets: Tensor) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")


def walked(record: type[Tape] | None, steps: int = 45) -> Tensor:
    """Weights after some steps, over the ragged end of two epochs."""
    condition = asked()
    population = state(condition, start(condition))
    backend = TorchEngine(condition, SEEDS, population, torch.device("cpu"))
    if record is not None:
        backend._recorded = Recorded(backend._noiseless, record)
    per_epoch = condition.training.steps_per_epoch
    with denormals_flushed():
        for step in range(steps):
            backend.train(step // per_epoch, step % per_epoch)
    return population.rows


def test_a_recorded_step_is_the_step(caplog: pytest.LogCaptureFixture) -> None:
    Tape.made = 0
    assert torch.equal(walked(Tape), walked(None))
    assert Tape.made == 1
    assert not caplog.text


@pytest.mark.parametrize(
    ("record", "said"), [(Wrong, "differs from its operations"), (Impossible, "not permitted when stream is capturing")]
)
def test_what_can_t_be_recorded_well_is_not(record: type[Tape], said: str, caplog: pytest.LogCaptureFixture) -> None:
    assert torch.equal(walked(record), walked(None))
    assert caplog.text.count(said) == 1


def test_nothing_is_recorded_on_a_processor() -> None:
    condition = asked()
    assert TorchEngine(condition, SEEDS, state(condition, start(condition)), torch.device("cpu"))._recorded is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("spec", [LSTM(hidden_size=64), RNN(hidden_size=3)], ids=str)
def test_cuda_learns_what_the_processor_learns(spec: LSTM | RNN, caplog: pytest.LogCaptureFixture) -> None:
    condition = Condition(Latch(noise=0.3), spec, 28, Training(**SIZES), seed=4)

    def ended(device: str) -> Finished:
        *_, last = Trainer(place(condition, engine="torch"), (0, 1, 2), device=device).events()
        assert isinstance(last, Finished)
        return last

    there, here = ended("cuda"), ended("cpu")
    assert not caplog.text
    for repeat, outcome in there.outcomes.items():
        for name, weight in here.outcomes[repeat].last.items():
            torch.testing.assert_close(outcome.last[name], weight, rtol=1e-2, atol=1e-3)
