"""Answers that are due at marked steps: scored there and nowhere else, whatever engine, stack, block or resume."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from memspan.engine import torch_engine
from memspan.engine.condition import Condition
from memspan.engine.datasets import split
from memspan.engine.events import Finished
from memspan.engine.placement import place
from memspan.engine.scores import added, due, losses, means, tallied
from memspan.engine.scoring import Scoring
from memspan.engine.seeds import stream
from memspan.engine.state import State
from memspan.engine.torch_engine import TorchEngine
from memspan.engine.trainer import Trainer
from memspan.engine.weight_rows import WeightRows
from memspan.interfaces.batch import IGNORED
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build
from memspan.models.attention import Attention
from memspan.models.delta_net import DeltaNet
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.mamba import Mamba
from memspan.models.tcn import TCN
from memspan.tasks import sample
from memspan.tasks.recall import Recall
from memspan.training import Training
from tests.unit.engine.populations import Story, carried, stopped, stories

MARKED = Signature(7, 1, 5, Problem.CLASSIFICATION, every_step=True, vocabulary=5, places=3)
TINY = Recall(pairs=2, vocabulary=12)
MODELS = (
    Attention(hidden_size=8, layers=1, short_convolution=2),
    DeltaNet(hidden_size=8, layers=1),
    Mamba(hidden_size=8, layers=1, state_size=4),
    LSTM(hidden_size=32),
    GRU(hidden_size=3, dropout=0.2),
    TCN(channels=4),
)


def condition(model: ModelSpec, **training: Any) -> Condition:
    """Three epochs of three batches of 5 and one of 3 sequences, and a test of 11."""
    sizes = {"batch_size": 5, "train_size": 18, "validation_size": 7, "test_size": 11, "epochs": 3}
    return Condition(TINY, model, 16, Training(**{**sizes, **training}), seed=5)


def marked(members: int = 2, batch: int = 6) -> tuple[Tensor, Tensor]:
    """Outputs (M, B, T, K) and targets (M, B, T) of sequences with 0 to 3 marked steps."""
    outputs = torch.randn(members, batch, 7, 5, generator=stream("outputs"), dtype=torch.float64)
    targets = torch.full((members, batch, 7), IGNORED)
    for member in range(members):
        for row in range(batch):
            steps = torch.randperm(7, generator=stream(member, row))[: (row + member) % 4]
            targets[member, row, steps] = torch.randint(0, 5, (len(steps),), generator=stream(row, member))
    return outputs, targets


def chosen(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """At the marked steps alone."""
    steps = due(MARKED, targets)
    assert steps is not None
    return outputs.gather(2, steps.unsqueeze(-1).expand(*steps.shape, 5)), targets.gather(-1, steps)


def test_the_loss_is_the_mean_over_all_marked_steps_of_a_batch() -> None:
    """Held against torch's own cross-entropy with ignored targets."""
    outputs, targets = marked()
    found = losses(Problem.CLASSIFICATION, *chosen(outputs, targets), marked=True)
    wanted = [
        cross_entropy(o.flatten(0, 1), t.flatten(), ignore_index=IGNORED) for o, t in zip(outputs, targets, strict=True)
    ]
    assert torch.allclose(found, torch.stack(wanted), rtol=1e-12)


def test_a_batch_without_a_marked_step_has_a_loss_of_nothing_and_no_gradient() -> None:
    outputs = torch.randn(1, 2, 3, 5, generator=stream("outputs"), requires_grad=True)
    loss = losses(Problem.CLASSIFICATION, outputs, torch.full((1, 2, 3), IGNORED), marked=True)
    (slope,) = torch.autograd.grad(loss.sum(), outputs)
    assert float(loss.detach()) == 0
    assert float(slope.abs().max()) == 0


def test_accuracy_is_per_marked_step_and_exact_per_sequence_in_whatever_parts_they_are_added() -> None:
    outputs, targets = marked()
    o, t = chosen(outputs, targets)
    totals = {name: torch.zeros(2, dtype=torch.float64) for name in tallied(MARKED)}
    for part in (slice(0, 1), slice(1, 4), slice(4, 6)):
        for name, values, times in added(MARKED, o[:, part], t[:, part]):
            totals[name].add_(values, alpha=times)
    found = means(totals, 6)
    hits = (outputs.argmax(-1) == targets).double()
    there = targets != IGNORED
    assert found["accuracy"] == pytest.approx(((hits * there).sum((1, 2)) / there.sum((1, 2))).tolist())
    assert found["exact"] == pytest.approx(torch.where(there, hits, 1.0).amin(-1).mean(1).tolist())
    assert found["loss"] == pytest.approx(losses(Problem.CLASSIFICATION, o, t, marked=True).tolist())
    assert list(found) == ["loss", "accuracy", "exact"]


def test_marked_steps_are_found_in_their_order() -> None:
    targets = torch.tensor([[IGNORED, 3, IGNORED, 1], [IGNORED, IGNORED, IGNORED, 2]])
    steps = due(replace(MARKED, length=4, places=2), targets)
    assert steps is not None
    assert steps[0].tolist() == [1, 3]
    assert steps[1, 0].tolist() == 3
    assert due(replace(MARKED, places=0), targets) is None


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
def test_answers_at_some_steps_are_those_of_all_steps(model: ModelSpec) -> None:
    network = build(model, TINY.signature(16))
    weights = {name: torch.stack([each]) for name, each in network.initialize(stream("weights")).items()}
    inputs = sample(TINY, 16, 3, stream("inputs")).inputs.unsqueeze(0)
    steps = torch.tensor([[[9, 4], [0, 15], [7, 7]]])
    found, whole = network.answer_at(weights, inputs, steps), network.forward(weights, inputs)
    wanted = whole.gather(2, steps.unsqueeze(-1).expand(1, 3, 2, whole.shape[-1]))
    assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
@pytest.mark.parametrize("after", [2, 13])
def test_a_run_goes_on_to_the_same_bits(model: ModelSpec, after: int) -> None:
    asked = condition(model, data="fresh" if after % 2 else "fixed")
    repeats = (0, 1)[: place(asked).width]
    whole = stories(asked, repeats)
    resumed = stories(asked, repeats, carried(stopped(asked, repeats, after).snapshots()))
    skipped = after // 5
    assert resumed == {repeat: _from(story, skipped) for repeat, story in whole.items()}


def _from(story: Story, epoch: int) -> Story:
    return replace(story, epochs=story.epochs[epoch:])


@pytest.mark.parametrize("model", MODELS[:3], ids=lambda model: model.kind)
def test_a_run_has_the_same_bits_whoever_is_trained_beside_it(model: ModelSpec) -> None:
    asked = condition(model)
    assert place(asked).width > 1
    together, alone = stories(asked, (0, 1)), stories(asked, (1,))
    assert together[1] == alone[1]


def test_answers_by_lag_add_up_and_are_the_same_in_whatever_blocks_they_are_scored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counts are whole numbers, so that blocks change none of them; a resume in the middle of the test neither."""
    asked = condition(MODELS[0])
    whole = outcome(Trainer(place(asked), (0, 1)))
    monkeypatch.setattr(torch_engine, "SCORING_VALUES", 1)
    trainer = Trainer(place(asked), (0, 1))
    small = outcome(trainer)
    for repeat, counts in whole.items():
        assert counts == small[repeat]
    events = 3 * (4 + 7) + 4
    resumed = Trainer(place(asked), (0, 1), carried(stopped(asked, (0, 1), events).snapshots()))
    assert outcome(resumed) == whole


def outcome(trainer: Trainer) -> dict[int, Any]:
    for event in trainer.events():
        if isinstance(event, Finished):
            found = {repeat: each.by_lag for repeat, each in event.outcomes.items()}
            for repeat, each in event.outcomes.items():
                counts = found[repeat]
                assert counts is not None
                assert sum(counts.asked) == 11 * 2
                assert sum(counts.correct) / sum(counts.asked) == pytest.approx(each.metrics["test_accuracy"])
            return found
    raise AssertionError("training ended without its last event")


def test_lags_are_counted_of_the_sequences_that_were_scored() -> None:
    """A network that always says one value is right where that is asked for."""
    asked = condition(MODELS[0], test_size=64)
    network, test = asked.network(), split(asked).test
    weights = {name: torch.zeros(weight.shape) for name, weight in network.weights.items()}
    weights["readout.bias"][7] = 1.0
    rows = WeightRows(network).row(weights).unsqueeze(0)
    engine = TorchEngine(asked, (1,), State(rows, {}, {}), torch.device("cpu"))
    scoring = Scoring(asked.signature, 1, torch.device("cpu"), lags=True)
    while scoring.go_on(engine, rows, test):
        pass
    counts = scoring.by_lag(0)
    assert counts is not None
    batch = test.rows(0, 64)
    lags, told = TINY.lags(batch), batch.targets == 7
    for first, last, many, correct in zip(counts.first, counts.last, counts.asked, counts.correct, strict=True):
        inside = (lags >= first) & (lags <= last)
        assert many == int(inside.sum())
        assert correct == int((inside & told).sum())


def test_tokens_are_trained_by_the_torch_engine_and_the_record_says_so() -> None:
    asked = condition(LSTM(hidden_size=4))
    assert place(asked).engine == "torch"
    assert "nan" not in stories(asked, (0,))[0].metrics
