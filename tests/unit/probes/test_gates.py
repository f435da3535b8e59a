"""The probe ``gates`` on gates whose time constants are known by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.instruments import gate, linear
from memspan.interfaces.predictor import Internals, Predictor, trained
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.gates import Gates
from memspan.probes.gates.retention import retention
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from tests.unit.probes.population import population

LENGTH = 60
TAU = [(0, 1.44), (1, 3.19), (2, 7.88), (3, 20.58), (4, 55.10), (5, 148.91), (7, 1097.1)]
"""bias of a constant gate and its time constant in steps, to the digits that are printed"""


def asked(model: Predictor, task: TaskSpec | None = None, length: int = LENGTH, **fields: Any) -> Curve:
    found = measure(Gates(**fields), model, task or FirstLast(), length, stream(1))
    assert isinstance(found, Curve)
    return found


def number(curve: Curve, name: str) -> float:
    value = curve.scores[name]
    assert value is not None
    return value


@pytest.mark.parametrize(("bias", "tau"), TAU)
def test_a_gate_of_constant_bias_has_its_time_constant(bias: float, tau: float) -> None:
    found = asked(gate([bias]))
    exact = -1 / math.log(1 / (1 + math.exp(-bias)))
    assert number(found, "tau_median") == pytest.approx(exact, rel=2e-6)
    assert number(found, "tau_median") == pytest.approx(tau, abs=0.05 if tau > 1000 else 0.005)
    assert found.y == pytest.approx([math.exp(-age / exact) for age in range(LENGTH)], rel=1e-4)


@pytest.mark.parametrize("length", [100, 1000])
def test_a_chrono_bias_of_log_of_t_minus_1_keeps_for_t_steps_less_one_half(length: int) -> None:
    found = asked(gate([math.log(length - 1)]))
    assert number(found, "tau_median") == pytest.approx(length - 0.5, abs=0.01)


def test_median_and_longest_are_over_units() -> None:
    found = asked(gate([0.0, 1.0, 5.0]))
    assert number(found, "tau_median") == pytest.approx(3.1922, abs=1e-4)
    assert number(found, "tau_max") == pytest.approx(148.913, abs=1e-2)
    halves = [1 / (1 + math.exp(-bias)) for bias in (0, 1, 5)]
    assert found.y[3] == pytest.approx(sum(half**3 for half in halves) / 3, rel=1e-6)


def test_a_gate_that_swings_forgets_by_its_mean_logarithm_and_not_by_its_mean() -> None:
    """The bit of the first step opens the gate to σ(6) or closes it to σ(-6), the second step leaves it at .5.

    The mean gate is .5, the mean logarithm -1.85. n = 4 000 bits, whose mean has deviation .016: bound of 4 of them,
    false alarm 6e-5.
    """
    model = gate([0.0])
    assert model.internals is not None
    weights = {**model.internals.weights, "layer0.kernel": torch.tensor([[[6.0, 0.0]]])}
    found = asked(
        trained(model.internals.network, weights, model.internals.signature), Latch(noise=0.0), 2, sequences=4000
    )
    wide, shut, half = (math.log(1 / (1 + math.exp(-z))) for z in (6.0, -6.0, 0.0))
    assert -1 / number(found, "tau_median") == pytest.approx(((wide + shut) / 2 + half) / 2, abs=4 * 0.016 * 1.5)


def power_law(p: float, resets: bool) -> Internals:
    """A power-law LSTM of exponent p whose reset gate is opened by an input of 1, or never."""
    internals = population("power_law_lstm", Latch(), LENGTH, hidden_size=1, p=p).internals
    assert internals is not None
    weights = {name: torch.zeros_like(weight) for name, weight in internals.weights.items()}
    weights["layer0.bias"][..., 0] = -30.0
    weights["layer0.kernel"][..., 0] = 60.0 if resets else 0.0
    return replace(internals, weights=weights)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_a_power_law_gate_that_the_first_step_resets_keeps_age_plus_1_to_the_minus_p(p: float) -> None:
    """But for ε = .001: f = ((n + 2 ε) / (n + 1 + ε))^p, which adds p ε (1 + 1 + 1/2 + ... 1/59) or .52 % at most."""
    internals, inputs = power_law(p, resets=True), torch.zeros(1, LENGTH, 1)
    inputs[:, 0] = 1
    assert internals.network.recurrence is not None
    survival = retention(internals, internals.network.recurrence, 0, inputs).survival.flatten().tolist()
    assert survival == pytest.approx([(age + 1) ** -p for age in range(LENGTH)], rel=5.2e-3)


@pytest.mark.parametrize("p", [0.2, 0.9])
def test_the_exponent_of_a_power_law_gate_is_found_and_preferred_to_an_exponential(p: float) -> None:
    """Never reset, the age at the first step is 1 already: survival (2 / (age + 2))^p, whose fitted exponent is p to
    some percent."""
    internals = power_law(p, resets=False)
    found = asked(trained(internals.network, internals.weights, internals.signature), Latch(), LENGTH)
    assert found.y == pytest.approx([(2 / (age + 2)) ** p for age in range(LENGTH)], rel=5e-3)
    assert number(found, "exponent") == pytest.approx(p, rel=0.06)
    assert number(found, "power_law_aic") < number(found, "exponential_aic") - 50
    assert number(found, "aic_difference") > 50


def test_an_lstm_is_asked_for_its_forget_gate_and_a_gru_for_its_update_gate() -> None:
    """With all weights 0 but the bias of the gate that keeps, each forgets like a gate of that bias."""
    for kind, place in (("lstm", 1), ("gru", 1)):
        model = population(kind, Latch(), LENGTH, hidden_size=2)
        assert model.internals is not None
        weights = {name: torch.zeros_like(weight) for name, weight in model.internals.weights.items()}
        weights["layer0.bias"][:, 2 * place : 2 * place + 2] = 3.0
        found = asked(trained(model.internals.network, weights, model.internals.signature), Latch())
        assert number(found, "tau_median") == pytest.approx(20.5815, abs=1e-3)


def test_layers_of_a_stack_are_asked_one_by_one() -> None:
    model = population("lstm", Latch(), 12, members=3, hidden_size=(3, 2), bidirectional=True)
    assert asked(model, Latch(), 12, layer=0).y != asked(model, Latch(), 12, layer=1).y
    assert asked(model, Latch(), 12, layer=0).n == 3


def test_layers_without_a_gate_are_refused() -> None:
    for model in (linear(torch.tensor(0.5)), population("rnn", Latch(), 5)):
        assert model.internals is not None
        objection = Gates().objection(Latch(), 5, model.internals.network)
        assert objection == "The probe gates needs a gate that keeps memory, and this model has none for latch."
