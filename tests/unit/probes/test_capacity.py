"""The probe ``capacity`` on states that hold a known number of past inputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from memspan.dynamics.inner_states import system_of
from memspan.engine.seeds import stream
from memspan.instruments import delay_line, linear, turned_delay_line
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.readings import Curve
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.capacity import Capacity
from memspan.probes.capacity.correlation import corrected, moments, squared
from memspan.probes.capacity.input_signal import driven_states, input_signal
from memspan.tasks.adding import Adding
from memspan.tasks.delay import Delay
from memspan.tasks.latch import Latch
from tests.unit.probes.population import population


def asked(model: Predictor, task: TaskSpec | None = None, seed: int = 1, **fields: Any) -> Curve:
    found = measure(Capacity(**fields), model, task or Delay(), 10, stream(seed))
    assert isinstance(found, Curve)
    return found


def total(curve: Curve) -> float:
    value = curve.scores["total"]
    assert value is not None
    return value


@pytest.mark.parametrize("units", [1, 4, 30])
def test_a_delay_line_of_n_holds_n_inputs_and_no_more(units: int) -> None:
    """Beyond N the squared correlation of 2 048 held-out pairs has deviation .0007 a lag, .005 over 60 lags at most."""
    found = asked(delay_line(units))
    assert found.y[:units] == pytest.approx([1] * units, abs=1e-9)
    assert total(found) == pytest.approx(units, abs=0.03)


@pytest.mark.parametrize("a", [0.5, 0.8])
def test_a_leaky_unit_holds_one_input_spread_over_lags(a: float) -> None:
    """corr² of h = sum of a^k u(n - k) with u(n - k) is (1 - a²) a^2k.

    Its deviation at n = 2 048 is 2 r (1 - r²) / sqrt(n), about .02; bound of 5 of them, false alarm 6e-7 a lag.
    """
    found = asked(linear(torch.tensor(a)))
    exact = [(1 - a * a) * a ** (2 * lag) for lag in range(20)]
    for value, truth in zip(found.y, exact, strict=True):
        assert abs(value - truth) < 5 * (2 * truth**0.5 * (1 - truth) + 0.05) / 2048**0.5
    assert total(found) == pytest.approx(1, abs=0.2)


def test_what_remembers_nothing_has_no_capacity_beyond_the_step_just_read() -> None:
    found = asked(linear(torch.tensor(0.0)))
    assert found.y[0] == pytest.approx(1)
    assert sum(found.y[1:]) == pytest.approx(0, abs=0.03)


def test_a_state_that_stands_still_has_none() -> None:
    model = delay_line(3)
    assert model.internals is not None
    weights = {name: torch.zeros_like(value) for name, value in model.internals.weights.items()}
    found = asked(trained(model.internals.network, weights, model.internals.signature))
    assert total(found) == pytest.approx(0, abs=0.05)


def test_chance_is_taken_off_so_that_states_of_noise_have_no_capacity() -> None:
    """80 lags, 2 048 held-out pairs, mean of 10 draws: .039 uncorrected, then 0 with deviation .002; bound of 5."""
    rng, totals, raw = stream(2), [], []
    for _ in range(10):
        signal = input_signal(Delay(), 10, 0, (64, 64, 80), rng)
        noise = torch.randn(64, 64, 5, generator=rng, dtype=torch.float64)
        own, surrogates = (part.numpy() for part in moments(noise, signal, 1e-6))
        found = squared(own.mean(0))
        raw.append(found.sum())
        totals.append(corrected(found, squared(surrogates).mean()).sum())
    assert sum(raw) / 10 == pytest.approx(80 / 2048, abs=0.01)
    assert sum(totals) / 10 == pytest.approx(0, abs=0.01)


def test_the_channel_that_is_driven_can_be_chosen() -> None:
    signature = Signature(1, channels=2, outputs=1, problem=Problem.REGRESSION)
    assert total(asked(delay_line(5, signature), Adding())) == pytest.approx(5, abs=0.05)
    assert total(asked(delay_line(5, signature), Adding(), channel=1)) == pytest.approx(0, abs=0.05)
    objection = Capacity(channel=2).objection(Adding(), 10)
    assert objection == "The task adding has 2 input channels: channel must be below it, given 2."


def test_a_network_holds_no_more_than_it_has_states() -> None:
    found = asked(population("lstm", Delay(), 10, members=3, hidden_size=(3, 2)))
    assert found.n == 3
    assert len(found.x) == 20
    assert total(found) <= 10.1


def test_lags_reach_twice_the_number_of_states() -> None:
    assert len(asked(delay_line(30)).x) == 60
    assert len(asked(delay_line(30), lags=7).x) == 7


def test_the_interval_of_one_model_is_over_held_out_courses() -> None:
    found = asked(linear(torch.tensor(0.8)))
    assert found.n == 32
    assert all(low < value < high for low, value, high in zip(found.low[:4], found.y[:4], found.high[:4], strict=True))


@pytest.mark.parametrize("sizes", [(0.0, 0.0), (-4.0, 4.0)], ids=["alike", "of very different size"])
def test_a_delay_line_that_is_spread_over_more_units_than_are_read_holds_as_many_inputs(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[float, float]
) -> None:
    """12 numbers turned at random into 200 units, each a sum of all 12: mixed into 64 sums they are all there.

    Beyond 12 each of 18 lags has deviation .0007 (2 048 held-out pairs): .003 together. None drowns in the sums.
    """
    monkeypatch.setattr("memspan.probes.capacity.READ_UNITS", 64)
    found = asked(turned_delay_line(12, 200, sizes=sizes), lags=30)
    assert found.y[:12] == pytest.approx([1] * 12, abs=1e-6)
    assert total(found) == pytest.approx(12, abs=0.03)


@pytest.mark.long
def test_a_delay_line_that_is_spread_over_very_many_units_holds_as_many_inputs() -> None:
    found = asked(turned_delay_line(40, 1_100), sequences=16, lags=60)
    assert found.y[:40] == pytest.approx([1] * 40, abs=1e-6)
    assert total(found) == pytest.approx(40, abs=0.05)


def test_a_mixture_of_few_states_says_what_the_states_say(monkeypatch: pytest.MonkeyPatch) -> None:
    model = turned_delay_line(12, 100)
    exact = asked(model, lags=30)
    monkeypatch.setattr("memspan.probes.capacity.READ_UNITS", 64)
    assert asked(model, lags=30).y[:12] == pytest.approx(exact.y[:12], abs=1e-4)


def test_what_spans_more_than_is_read_is_bounded_from_below() -> None:
    """A line of 100 read through 64 sums: as many inputs as sums, no more, none made up."""
    model = delay_line(100)
    signal = input_signal(Delay(), 10, 0, (64, 64, 200), stream(1))
    internals = model.internals
    assert internals is not None
    (states,) = driven_states(system_of(internals), signal, 64)
    assert states.shape == (64, 64, 64)
    own, _ = moments(states, signal, 1e-6)
    read = squared(own.mean(0).numpy())
    assert read.sum() == pytest.approx(64, rel=0.1)
    assert max(read[100:]) < 0.03


@pytest.mark.long
@pytest.mark.parametrize("kind", ["gated_linear_attention", "delta_net", "mlstm"])
def test_matrix_states_of_usual_size_are_read(kind: str) -> None:
    """Width 64, two blocks: 8 192 numbers and more. Something of the step just read is there, nothing is made up."""
    found = asked(population(kind, Latch(), 8, hidden_size=64), Latch(), sequences=16, lags=4)
    assert 0.2 < found.y[0] <= 1
    assert found.y[0] <= total(found) <= 4


def test_a_mixture_of_a_matrix_says_what_the_matrix_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """144 numbers, all read together at once and by their mixture: both are held out, and as noisy as each other."""
    model = population("gated_linear_attention", Latch(), 8, hidden_size=12, layers=1)
    exact = asked(model, Latch(), lags=3)
    monkeypatch.setattr("memspan.probes.capacity.READ_UNITS", 100)
    assert asked(model, Latch(), lags=3).y == pytest.approx(exact.y, abs=0.05)
