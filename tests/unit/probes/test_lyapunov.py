"""The probe ``lyapunov`` on maps whose exponents are known by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from memspan.dynamics.double_precision import double_precision
from memspan.dynamics.system import dynamical_system
from memspan.engine.seeds import stream
from memspan.instruments import linear
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.probes import measure
from memspan.probes.lyapunov import LEAST, Lyapunov, pulled_back
from memspan.tasks.first_last import FirstLast
from memspan.tasks.latch import Latch
from tests.unit.probes.population import population


def asked(model: Predictor, task: TaskSpec | None = None, **fields: Any) -> Curve:
    found = measure(Lyapunov(**fields), model, task or FirstLast(), 10, stream(1))
    assert isinstance(found, Curve)
    return found


@pytest.mark.parametrize("moduli", [(0.9, 0.5, 0.2), (1.2, 1.0, 0.1), (0.7,)])
def test_a_linear_map_has_the_logarithms_of_its_eigenvalues_moduli(moduli: tuple[float, ...]) -> None:
    basis = torch.randn(len(moduli), len(moduli), generator=stream(3))
    found = asked(linear(basis @ torch.diag(torch.tensor(moduli)) @ basis.inverse()))
    assert found.y == pytest.approx([math.log(modulus) for modulus in moduli], abs=2e-5)
    assert found.scores["largest"] == found.y[0]


def test_memory_lasts_one_over_the_largest_exponent() -> None:
    assert asked(linear(torch.tensor(0.9))).scores["memory_steps"] == pytest.approx(-1 / math.log(0.9), rel=1e-5)
    assert asked(linear(torch.tensor(1.1))).scores["memory_steps"] == math.inf


def test_an_orthogonal_map_neither_forgets_nor_explodes() -> None:
    orthogonal = torch.linalg.qr(torch.randn(6, 6, generator=stream(4)))[0]
    assert asked(linear(orthogonal)).y == pytest.approx([0] * 6, abs=1e-6)


def test_a_pair_of_complex_eigenvalues_has_one_modulus() -> None:
    turn = torch.tensor([[0.8, -0.3], [0.3, 0.8]])
    assert asked(linear(turn)).y == pytest.approx([math.log(math.hypot(0.8, 0.3))] * 2, abs=1e-6)


def test_only_the_leading_exponents_are_given_and_they_are_the_same() -> None:
    matrix = torch.diag(torch.tensor([0.9, 0.5, 0.2]))
    assert asked(linear(matrix), exponents=2).y == pytest.approx(asked(linear(matrix)).y[:2], abs=1e-9)


def test_a_map_that_forgets_everything_at_once_ends_at_the_precision_of_numbers() -> None:
    assert asked(linear(torch.tensor(0.0))).y == pytest.approx([math.log(LEAST)])


def test_the_pull_is_that_of_the_jacobian_of_all_states_of_all_layers() -> None:
    model = population("lstm", Latch(), 5, members=2, hidden_size=(3, 2))
    assert model.internals is not None
    assert model.internals.network.recurrence is not None
    system = dynamical_system(model.internals.network.recurrence, double_precision(model.internals))
    flat = torch.randn(2, 4, system.size, generator=stream(5), dtype=torch.float64)
    x = torch.randn(4, 1, generator=stream(6), dtype=torch.float64)

    def step(state: torch.Tensor) -> torch.Tensor:
        return system.flat(system.advance(x.expand(2, 4, 1), system.parted(state)))

    whole = torch.autograd.functional.jacobian(step, flat)  # (M, B, D, M, B, D)
    assert isinstance(whole, torch.Tensor)
    own = torch.diagonal(torch.diagonal(whole, dim1=0, dim2=3), dim1=0, dim2=2)  # (D, D, M, B)
    frame = torch.eye(system.size, dtype=torch.float64).expand(2, 4, -1, -1)
    assert system.size == 10
    assert torch.allclose(pulled_back(system, x, flat, frame), own.permute(2, 3, 1, 0), atol=1e-12)


def test_a_tanh_unit_at_rest_contracts_by_its_weight() -> None:
    """Without input it stays at 0, where tanh' = 1: log .7; and the identity network never expands."""
    for weight, exponent in ((0.7, math.log(0.7)), (1.0, 0.0)):
        model = population("rnn", Latch(), 5)
        assert model.internals is not None
        weights = {name: torch.zeros_like(value) for name, value in model.internals.weights.items()}
        weights["layer0.recurrent"] += weight
        found = asked(trained(model.internals.network, weights, model.internals.signature), Latch())
        assert found.y == pytest.approx([exponent], abs=1e-6)


def test_several_models_count_models_and_one_counts_courses() -> None:
    assert asked(population("gru", Latch(), 5, members=3, hidden_size=2), Latch()).n == 3
    assert asked(population("gru", Latch(), 5, hidden_size=2), Latch(), sequences=5).n == 5


def test_a_model_that_also_goes_backward_is_refused() -> None:
    internals = population("gru", Latch(), 5, bidirectional=True).internals
    assert internals is not None
    objection = Lyapunov().objection(Latch(), 5, internals.network)
    assert objection is not None
    assert "lyapunov" in objection
    assert "backward" in objection
