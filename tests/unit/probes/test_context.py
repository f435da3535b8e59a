"""The probe ``context`` on instruments that need a known number of inputs."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.instruments import adder, blind, echo
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.context import Context, contexts
from memspan.tasks import sample
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.delay import Delay
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from tests.unit.probes.answering import diverged, together, two_classes

LENGTH = 9
SUM = FirstLast()


def asked(model: Predictor, task: TaskSpec = SUM, length: int = LENGTH, **fields: Any) -> Curve:
    found = measure(Context(**fields), model, task, length, stream(1))
    assert isinstance(found, Curve)
    return found


@pytest.mark.parametrize("lag", [1, 4, 20])
def test_an_echo_that_solves_a_delay_needs_every_input_back_to_its_lag(lag: int) -> None:
    found = asked(echo(lag), Delay(), lag + 1)
    assert found.x == tuple(range(lag + 2))
    assert found.scores["effective_context"] == lag + 1
    assert found.scores["effective_context_low"] == found.scores["effective_context_high"] == lag + 1
    assert found.y[-1] == 0
    assert min(found.y[:-1]) > 1


def test_what_is_not_needed_is_not_counted() -> None:
    """Knowing the last step alone leaves a loss of 1 of 2, and one input is enough for it."""
    found = asked(echo(0), sequences=4_000)
    assert found.scores["effective_context"] == 1
    assert found.scores["learned"] == 1
    assert found.scores["floor"] == pytest.approx(2, abs=5 * math.sqrt(8 / 4_000))  # 5 standard errors of a variance
    assert found.y[0] > 1
    assert not any(found.y[1:])


def test_an_adder_needs_all_inputs() -> None:
    assert asked(adder()).scores["effective_context"] == LENGTH
    assert asked(adder()).scores["loss"] == 0


def test_a_blind_model_has_learned_nothing_and_needs_nothing() -> None:
    found = asked(blind())
    assert found.scores["effective_context"] == found.scores["learned"] == 0
    assert not any(found.y)


@pytest.mark.parametrize(("epsilon", "needed"), [(0.05, 1), (0.01, LENGTH)])
def test_epsilon_says_how_much_may_be_lost(epsilon: float, needed: int) -> None:
    """y = x_last + .02 x_first: the loss is .98^2 = .96, and a wrong first step adds .04, of the 1.04 learned."""
    model = Predictor(1, lambda x: (x[:, -1] + 0.02 * x[:, 0]).unsqueeze(0))
    found = asked(model, epsilon=epsilon, sequences=10_000)
    assert found.scores["effective_context"] == needed
    assert found.baseline == pytest.approx(epsilon * 1.04, rel=0.15)


def test_repeats_are_averaged_and_diverged_ones_left_out() -> None:
    found = asked(together(adder(), echo(0), blind(), diverged()))
    assert found.n == 3
    assert found.scores["effective_context"] == pytest.approx((LENGTH + 1 + 0) / 3)
    assert found.scores["effective_context_low"] == 0
    assert found.scores["effective_context_high"] == LENGTH
    assert found.scores["learned"] == pytest.approx(2 / 3)


def test_a_classification_s_floor_is_the_entropy_of_its_classes() -> None:
    found = asked(two_classes(lambda x: 20 * x[:, 0, 0]), Latch(noise=0))
    share = float(sample(Latch(noise=0), LENGTH, 100, stream(1)).targets.float().mean())
    entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
    assert found.scores["floor"] == pytest.approx(entropy)
    assert found.scores["effective_context"] == LENGTH


def test_the_context_of_an_answer_in_the_middle_ends_there() -> None:
    """The digit of step t without a carry: right but for carries, from the last pair alone."""
    model = two_classes(lambda x: 8 * (x.sum(-1) == 1).float() - 4)
    found = asked(model, BinaryAddition(), 8, step=0)
    assert found.x == (0, 1)
    assert found.scores["effective_context"] == 1


def test_long_sequences_are_tried_at_spaced_contexts_with_both_ends() -> None:
    assert contexts(5, 10) == (0, 1, 2, 3, 4, 5)
    spaced = contexts(1_000, 30)
    assert spaced[:3] == (0, 1, 2)
    assert spaced[-1] == 1_000
    assert len(spaced) <= 30
    assert list(spaced) == sorted(set(spaced))


def test_only_inputs_older_than_the_context_are_replaced() -> None:
    seen: list[torch.Tensor] = []

    def watching(inputs: torch.Tensor) -> torch.Tensor:
        seen.append(inputs)
        return inputs[:, -1].unsqueeze(0)

    asked(Predictor(1, watching), sequences=5)
    shown = sample(SUM, LENGTH, 5, stream(1)).inputs
    every = torch.cat(seen).view(LENGTH + 1, 5, LENGTH, 1)
    for kept in range(LENGTH + 1):
        assert torch.equal(every[kept][:, LENGTH - kept :], shown[:, LENGTH - kept :])
        assert (every[kept][:, : LENGTH - kept] != shown[:, : LENGTH - kept]).all()
