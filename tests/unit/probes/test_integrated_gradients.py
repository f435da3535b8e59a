"""The probe ``integrated_gradients`` on instruments whose integrals are known by hand."""

from __future__ import annotations

from typing import Any

import pytest

from memspan.engine.seeds import stream
from memspan.instruments import adder, blind, echo, leaky
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.integrated_gradients import IntegratedGradients
from memspan.tasks import sample
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from tests.unit.probes.untrained import untrained

LENGTH = 7
SUM = FirstLast()
SIZES = sample(SUM, LENGTH, 100, stream(1)).inputs[..., 0].abs().mean(0).flip(0).tolist()
"""mean size of the input at each lag, in the sequences that the probe draws"""


def asked(model: Predictor, task: TaskSpec = SUM, **fields: Any) -> Curve:
    found = measure(IntegratedGradients(**fields), model, task, LENGTH, stream(1))
    assert isinstance(found, Curve)
    return found


def test_an_adder_owes_its_answer_to_its_two_inputs() -> None:
    found = asked(adder())
    assert list(found.y) == pytest.approx([SIZES[0], *[0] * (LENGTH - 2), SIZES[-1]], abs=1e-6)
    assert found.scores["auc"] == 1
    assert found.scores["convergence_delta"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("lag", [0, 2, LENGTH - 1])
def test_an_echo_owes_it_to_the_step_at_its_lag(lag: int) -> None:
    assert list(asked(echo(lag)).y) == pytest.approx([SIZES[lag] * (at == lag) for at in range(LENGTH)], abs=1e-6)


def test_a_leaky_sum_owes_a_falling_share_of_each_input() -> None:
    assert list(asked(leaky(0.5)).y) == pytest.approx([size * 0.5**lag for lag, size in enumerate(SIZES)], abs=1e-6)


def test_a_blind_model_owes_nothing_to_anything() -> None:
    found = asked(blind())
    assert not any(found.y)
    assert found.scores["convergence_delta"] == 0


@pytest.mark.parametrize(("n_steps", "share"), [(1, 0.5), (2, 1.0)])
def test_the_convergence_delta_says_what_too_few_nodes_miss(n_steps: int, share: float) -> None:
    """y = x0^4: the integral of 4 a^3 x0^4 is x0^4; the one node at 1/2 gives half of it, two nodes are exact."""
    power = Predictor(1, lambda x: (x[:, 0] ** 4).unsqueeze(0))
    whole = float((sample(SUM, LENGTH, 100, stream(1)).inputs[:, 0] ** 4).mean())
    found = asked(power, n_steps=n_steps)
    assert found.y[-1] == pytest.approx(share * whole, rel=1e-4)
    assert found.scores["convergence_delta"] == pytest.approx((1 - share) * whole, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("number", ["probability", "log_probability"])
def test_a_real_network_s_shares_add_up(number: str) -> None:
    found = asked(untrained(Latch(), LENGTH, "gru", members=3, hidden_size=4), Latch(), number=number)
    assert found.n == 3
    delta = found.scores["convergence_delta"]
    assert delta is not None
    assert delta < 1e-5
