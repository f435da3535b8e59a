"""Read-outs and losses that the probes of states use."""

from __future__ import annotations

import pytest
import torch

from memspan.dynamics.readout import fit_readout
from memspan.dynamics.sequence_losses import sequence_losses
from memspan.engine.scores import losses as scored
from memspan.engine.seeds import stream
from memspan.interfaces.signature import Problem


def test_a_linear_map_is_found_exactly() -> None:
    rng = stream(1)
    states = 5 + torch.randn(3, 40, 4, generator=rng, dtype=torch.float64) * torch.tensor([1e-3, 1.0, 10.0, 1.0])
    targets = states @ torch.randn(3, 4, 2, generator=rng, dtype=torch.float64) + 7
    readout = fit_readout(states, targets, torch.ones(3, 40, 1, dtype=torch.float64), ridge=0)
    assert torch.allclose(readout(states), targets, atol=1e-9)


def test_a_ridge_is_that_of_the_normal_equations_of_standardised_units() -> None:
    rng = stream(2)
    states, targets = (torch.randn(1, 30, size, generator=rng, dtype=torch.float64) for size in (3, 1))
    units = (states - states.mean(1)) / states.std(1, unbiased=False)
    gram = units[0].T @ units[0] / 30 + 0.5 * torch.eye(3)
    weights = torch.linalg.solve(gram, units[0].T @ (targets[0] - targets.mean()) / 30)
    readout = fit_readout(states, targets, torch.ones(1, 30, 1, dtype=torch.float64), ridge=0.5)
    assert torch.allclose(readout.weights[0], weights)


def test_more_units_than_samples_give_the_same_read_out_by_the_smaller_problem() -> None:
    rng = stream(6)
    states, targets = (torch.randn(2, 10, size, generator=rng, dtype=torch.float64) for size in (25, 3))
    units = (states - states.mean(1, keepdim=True)) / states.std(1, unbiased=False, keepdim=True)
    gram = units.transpose(1, 2) @ units / 10 + 0.1 * torch.eye(25)
    weights = torch.linalg.solve(gram, units.transpose(1, 2) @ (targets - targets.mean(1, keepdim=True)) / 10)
    assert torch.allclose(fit_readout(states, targets, torch.ones(2, 10, 1).double(), ridge=0.1).weights, weights)


def test_samples_that_do_not_count_are_as_if_they_were_not_there() -> None:
    rng = stream(3)
    states, targets = (torch.randn(1, 30, size, generator=rng, dtype=torch.float64) for size in (3, 1))
    counted = torch.ones(1, 30, 1, dtype=torch.float64)
    counted[:, 20:] = 0
    part = fit_readout(states, targets, counted, ridge=1e-3)
    alone = fit_readout(states[:, :20], targets[:, :20], counted[:, :20], ridge=1e-3)
    assert torch.allclose(part(states), alone(states))


def test_a_unit_that_stands_still_has_no_say() -> None:
    states = torch.randn(1, 30, 2, generator=stream(4), dtype=torch.float64)
    states[..., 1] = 3.0
    targets = states[..., :1]
    readout = fit_readout(states, targets, torch.ones(1, 30, 1, dtype=torch.float64), ridge=1e-9)
    assert readout.weights[0, 1, 0] == 0
    assert torch.allclose(readout(states), targets, atol=1e-6)


@pytest.mark.parametrize("steps", [(), (6,)])
@pytest.mark.parametrize("problem", list(Problem))
def test_the_mean_loss_of_sequences_is_the_engine_s_loss(problem: Problem, steps: tuple[int, ...]) -> None:
    rng = stream(5)
    outputs = torch.randn(2, 5, *steps, 3, generator=rng)
    classes = problem is Problem.CLASSIFICATION
    targets = torch.randint(0, 3, (5, *steps), generator=rng) if classes else torch.randn(5, *steps, 3, generator=rng)
    own = scored(problem, outputs, targets.expand(2, *targets.shape))
    assert torch.allclose(sequence_losses(problem, outputs, targets).mean(1), own)


def test_a_class_that_is_all_but_certain_still_has_a_gradient() -> None:
    outputs = torch.tensor([[[60.0, 0.0]]], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(sequence_losses(Problem.CLASSIFICATION, outputs, torch.tensor([0])).sum(), outputs)
    assert float(slope[0, 0, 1]) == pytest.approx(8.756e-27, rel=1e-3)
