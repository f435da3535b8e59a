"""The probe ``guessing`` on networks whose share of lucky weights is known by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from memspan.attribution.sequence_metrics import sequence_metrics
from memspan.engine.seeds import stream
from memspan.interfaces.network import Network, Weight, Weights
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.readings import Scalars
from memspan.interfaces.task import TaskSpec
from memspan.layers import initializers
from memspan.probes import measure
from memspan.probes.guessing import Guessing, criterion
from memspan.probes.guessing.guesses import Criterion, guess, random_weights
from memspan.statistics.wilson import wilson
from memspan.tasks import sample
from memspan.tasks.delay import Delay
from memspan.tasks.latch import Latch
from tests.unit.probes.untrained import untrained


def one_weight(task: TaskSpec, length: int) -> Predictor:
    """y = w x0, or the logits -w x0 and w x0 of two classes."""

    def forward(weights: Weights, inputs: Tensor) -> Tensor:
        z = weights["w"].unsqueeze(1) * inputs[:, :, 0]  # (M, B, 1)
        return torch.cat([-z, z], dim=-1) if task.is_classification(length) else z

    network = Network({"w": Weight((1,), initializers.zeros)}, forward, 0, None, any_length=True)
    return trained(network, {"w": torch.zeros(1, 1)}, task.signature(length))


def asked(model: Predictor, task: TaskSpec, length: int, **fields: Any) -> Scalars:
    found = measure(Guessing(**fields), model, task, length, stream(1))
    assert isinstance(found, Scalars)
    return found


@pytest.mark.parametrize(
    ("task", "share", "score"),
    [
        (Latch(noise=0), 0.5, "best_accuracy"),  # every w > 0
        (Delay(distractors=0), 0.05, "best_loss"),  # (1 - w)^2 <= .01: w >= .9 of -1..1, give or take 1 %
    ],
)
def test_the_share_of_lucky_weights_is_found(task: TaskSpec, share: float, score: str) -> None:
    """n = 4 000 guesses: 5 standard errors (false alarm 6e-7) and a tenth for the variance of the sequences drawn."""
    found = asked(one_weight(task, 4), task, 4, trials=4_000)
    value = found.values["solved_share"]
    assert abs(value - share) < 5 * math.sqrt(share * (1 - share) / 4_000) + 0.1 * share * (score == "best_loss")
    around = wilson(round(value * 4_000), 4_000)
    assert (found.low["solved_share"], found.high["solved_share"]) == (around.low, around.high)
    assert found.values["expected_trials"] == pytest.approx(1 / value)
    assert found.low["expected_trials"] == pytest.approx(1 / around.high)
    assert found.values[score] == pytest.approx(1 if score == "best_accuracy" else 0, abs=1e-4)
    assert found.n == 4_000


def test_where_nothing_is_solved_the_trials_have_no_end() -> None:
    found = asked(one_weight(Latch(), 4), Latch(noise=100), 4, trials=50)
    assert found.values["solved_share"] == 0
    assert found.values["expected_trials"] == found.high["expected_trials"] == math.inf
    assert math.isfinite(found.low["expected_trials"])
    assert 0.4 < found.values["best_accuracy"] < 0.99


@pytest.mark.parametrize(
    ("task", "solved_if"), [(Latch(), Criterion("accuracy", 0.2)), (Delay(distractors=0.1), Criterion("loss", 1.5))]
)
def test_giving_up_early_gives_up_nobody_who_solves_the_task(task: TaskSpec, solved_if: Criterion) -> None:
    internals = untrained(task, 4, "rnn", hidden_size=2).internals
    assert internals is not None
    batch, signature, trials = sample(task, 4, 300, stream(2)), task.signature(4), 400
    (weights,) = random_weights(internals.network, trials, 3.0, stream(3), trials)
    answers = trained(internals.network, weights, signature)(batch.inputs)
    metric = sequence_metrics(signature, answers, batch.targets)[solved_if.metric].mean(1)
    errors = metric if solved_if.metric == "loss" else 1 - metric
    found = guess(internals.network, signature, batch, solved_if, trials, 3.0, stream(3))
    assert found.solved == int((errors <= solved_if.largest_error).sum()) > 0
    assert found.lowest == pytest.approx(float(errors.min()), abs=1e-6)


def test_a_guess_is_the_same_in_any_group() -> None:
    internals = untrained(Latch(), 4, "lstm", hidden_size=2).internals
    assert internals is not None
    (whole,) = random_weights(internals.network, 50, 2.0, stream(1), 50)
    parts = list(random_weights(internals.network, 50, 2.0, stream(1), 7))
    assert len(parts) == 8
    for name, weight in whole.items():
        assert torch.equal(torch.cat([part[name] for part in parts]), weight)
        assert weight.abs().max() <= 2
    assert {name: tuple(weight.shape[1:]) for name, weight in whole.items()} == {
        name: weight.shape for name, weight in internals.network.weights.items()
    }


def test_trained_weights_don_t_matter_but_the_architecture_does() -> None:
    one, other = (untrained(Latch(), 4, "rnn", members=members) for members in (1, 3))
    assert asked(one, Latch(), 4, trials=200).document() == asked(other, Latch(), 4, trials=200).document()
    assert asked(untrained(Latch(), 4, "lstm"), Latch(), 4, trials=200) != asked(one, Latch(), 4, trials=200)


def test_an_accuracy_of_exactly_the_bound_counts() -> None:
    """1 - .9 is a little below .1 in floating point."""
    batch = sample(Latch(), 4, 10, stream(1))
    for accuracy, wrong in ((0.9, 1), (0.7, 3), (1.0, 0)):
        errors = torch.tensor([1.0] * wrong + [0.0] * (10 - wrong), dtype=torch.float64)
        assert float(errors.mean()) <= criterion(Guessing(accuracy=accuracy), Latch(), 4, batch).largest_error
