"""The probe ``latency`` with a clock of its own; how long anything really takes is never asserted."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.instruments import adder
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.readings import Scalars
from memspan.probes import measure
from memspan.probes.latency import Latency, single, timed
from memspan.tasks.copy import Copy
from memspan.tasks.first_last import FirstLast
from tests.unit.probes.population import population

LENGTH = 9


def asked(model: Predictor, **fields: Any) -> Scalars:
    found = measure(Latency(**fields), model, FirstLast(), LENGTH, stream(1))
    assert isinstance(found, Scalars)
    return found


def test_the_first_answer_is_not_counted_and_the_others_are_timed_from_call_to_answer() -> None:
    """A clock on which answers take 100, 1, 2 and 3 s, with 10 s between one answer and the next call."""
    ticks = iter(list(accumulate([0.0, 100.0, 10.0, 1.0, 10.0, 2.0, 10.0, 3.0])))
    assert timed(adder(), torch.zeros(2, LENGTH, 1), 3, lambda: next(ticks)) == [1.0, 2.0, 3.0]


def test_all_sequences_are_answered_at_once_by_each_member() -> None:
    seen: list[tuple[int, ...]] = []

    def answer(inputs: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(inputs.shape))
        return inputs[:, 0].unsqueeze(0)

    asked(Predictor(1, answer), sequences=37, runs=4)
    assert seen == [(37, LENGTH, 1)] * 5


def test_a_time_is_in_milliseconds_and_above_zero() -> None:
    found = asked(adder())
    assert found.units == {"milliseconds": "ms"}
    assert 0 < found.low["milliseconds"] <= found.values["milliseconds"] <= found.high["milliseconds"]


def test_one_model_counts_runs_and_several_count_models() -> None:
    assert asked(population("lstm", FirstLast(), LENGTH), runs=5).n == 5
    assert asked(population("lstm", FirstLast(), LENGTH, members=3), runs=5).n == 3


def test_members_answer_one_by_one_as_they_answer_together() -> None:
    together = population("gru", FirstLast(), LENGTH, members=3, hidden_size=4)
    inputs = torch.randn(6, LENGTH, 1, generator=stream(2))
    each = list(single(together))
    assert [one.members for one in each] == [1, 1, 1]
    assert torch.allclose(torch.cat([one(inputs) for one in each]), together(inputs), atol=1e-6)


def test_a_member_that_diverged_is_not_asked() -> None:
    three = population("lstm", FirstLast(), LENGTH, members=3)
    assert three.internals is not None
    weights = {name: weight.clone() for name, weight in three.internals.weights.items()}
    weights["readout.bias"][1] = torch.inf
    assert asked(trained(three.internals.network, weights, three.internals.signature)).n == 2


def test_more_sequences_than_fit_are_refused_in_words() -> None:
    assert Latency(sequences=100_000).objection(FirstLast(), 100) is None
    reason = Latency(sequences=100_000).objection(Copy(form="power_law"), 100)
    assert reason is not None
    assert "sequences must be at most" in reason


@pytest.mark.parametrize("runs", [1, 2])
def test_two_runs_have_no_median_to_speak_of(runs: int) -> None:
    with pytest.raises(ValueError, match="greater than or equal to 3"):
        Latency(runs=runs)
