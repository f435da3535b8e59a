"""Runs of a network with its states looked at are the network's own runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from memspan.dynamics.double_precision import double_precision
from memspan.dynamics.recorder import recorded
from memspan.dynamics.state_probe import NoInternals, recurrent_internals
from memspan.dynamics.system import dynamical_system
from memspan.dynamics.tiles import tiles
from memspan.engine.seeds import stream
from memspan.instruments import echo
from memspan.interfaces.predictor import Internals
from memspan.interfaces.recurrence import Recurrence
from memspan.interfaces.task import TaskSpec
from memspan.probes.gates import Gates
from memspan.tasks import sample
from memspan.tasks.binary_addition import BinaryAddition
from memspan.tasks.latch import Latch
from tests.unit.probes.population import population

RECURRENT = ["rnn", "lstm", "gru", "min_gru", "min_lstm", "power_law_lstm"]
RUNS: list[tuple[TaskSpec, bool]] = [(Latch(), False), (BinaryAddition(), False), (Latch(), True)]


def asked(kind: str, task: TaskSpec, **fields: Any) -> tuple[Internals, Recurrence, torch.Tensor]:
    """Two models of a kind, and three sequences for each of them, float64."""
    internals, recurrence = recurrent_internals(
        Gates(), population(kind, task, 6, members=2, hidden_size=(3, 2), **fields)
    )
    inputs = sample(task, 6, 3, stream(1)).inputs.double()
    return internals, recurrence, inputs


@pytest.mark.parametrize(("task", "bidirectional"), RUNS, ids=["once", "every step", "both ways"])
@pytest.mark.parametrize("kind", RECURRENT)
def test_a_recorded_run_answers_as_the_network_does(kind: str, task: TaskSpec, bidirectional: bool) -> None:
    internals, recurrence, inputs = asked(kind, task, bidirectional=bidirectional)
    weights, both = double_precision(internals), inputs.expand(2, *inputs.shape)
    outputs, recorder = recorded(recurrence, internals.signature.every_step, weights, both)
    own = internals.network.forward(weights, both)
    assert torch.equal(outputs, own[:, :, -1] if internals.signature.every_step else own)
    assert recorder.states.keys() == {layer.name for layer in recurrence.layers}


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_stack_goes_step_by_step_as_it_goes_level_by_level(kind: str) -> None:
    internals, recurrence, inputs = asked(kind, Latch())
    weights = double_precision(internals)
    _, recorder = recorded(recurrence, False, weights, inputs.expand(2, *inputs.shape))
    system = dynamical_system(recurrence, weights)
    for step, states in enumerate(system.run(inputs)):
        for layer, state in zip(recurrence.layers, states, strict=True):
            for found, own in zip(state, recorder.states[layer.name][step], strict=True):
                assert torch.allclose(found, own, atol=1e-14)
        flat = system.flat(states)
        assert flat.shape[-1] == system.size == recurrence.state_size
        parted = system.parted(flat)
        assert all(torch.equal(a, b) for x, y in zip(parted, states, strict=True) for a, b in zip(x, y, strict=True))


@pytest.mark.parametrize(("each", "budget"), [(1, 1000), (10, 20), (10, 35), (10, 1), (10, 100)])
def test_tiles_cover_every_pair_once_within_the_budget(each: int, budget: int) -> None:
    covered = torch.zeros(5, 7)
    for members, sequences in tiles(5, 7, each, budget):
        part = covered[members, sequences]
        assert part.numel() == 1 or part.numel() * each <= budget
        part += 1
    assert (covered == 1).all()


def test_something_without_states_is_refused_in_a_sentence() -> None:
    with pytest.raises(NoInternals, match=r"The probe gates looks inside a model, and this predictor shows nothing"):
        recurrent_internals(Gates(), echo(1))
