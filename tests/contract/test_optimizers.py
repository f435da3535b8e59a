"""Every optimiser against its equations in Keras 3, written down again in float64.

Source: keras/src/optimizers/{adam,rmsprop,sgd,base_optimizer}.py of github.com/keras-team/keras.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from memspan.engine.mover import Mover, slots
from memspan.engine.weight_rows import Piece
from memspan.optimizers import optimizer
from memspan.optimizers.adam import Adam
from memspan.optimizers.rmsprop import RMSprop
from memspan.optimizers.sgd import SGD
from memspan.training import Training

Vector = NDArray[np.float64]
Rule = Callable[[Vector, Vector, dict[str, Any], int], Vector]
MEMBERS, SIZE, STEPS = 3, 5, 40


def adam(spec: Adam) -> Rule:
    """m += (g - m)(1 - b1), v += (g² - v)(1 - b2), w -= m alpha / (sqrt(v) + epsilon)."""

    def change(weight: Vector, gradient: Vector, memory: dict[str, Any], step: int) -> Vector:
        m = memory["m"] = memory.get("m", 0.0) + (gradient - memory.get("m", 0.0)) * (1 - spec.beta_1)
        v = memory["v"] = memory.get("v", 0.0) + (gradient**2 - memory.get("v", 0.0)) * (1 - spec.beta_2)
        alpha = spec.learning_rate * np.sqrt(1 - spec.beta_2**step) / (1 - spec.beta_1**step)
        return weight - m * alpha / (np.sqrt(v) + spec.epsilon)

    return change


def rmsprop(spec: RMSprop) -> Rule:
    """v = rho v + (1 - rho) g²; increment = lr g / sqrt(v + epsilon); p = momentum p + increment; w -= p."""

    def change(weight: Vector, gradient: Vector, memory: dict[str, Any], step: int) -> Vector:
        v = memory["v"] = spec.rho * memory.get("v", 0.0) + (1 - spec.rho) * gradient**2
        increment = spec.learning_rate * gradient / np.sqrt(v + spec.epsilon)
        if spec.momentum > 0:
            increment = memory["p"] = spec.momentum * memory.get("p", 0.0) + increment
        return weight - increment

    return change


def sgd(spec: SGD) -> Rule:
    """w -= lr g, or m = momentum m - lr g and w += m, or with Nesterov w += momentum m - lr g."""

    def change(weight: Vector, gradient: Vector, memory: dict[str, Any], step: int) -> Vector:
        if not spec.momentum:
            return weight - spec.learning_rate * gradient
        m = memory["m"] = spec.momentum * memory.get("m", 0.0) - spec.learning_rate * gradient
        return weight + (spec.momentum * m - spec.learning_rate * gradient if spec.nesterov else m)

    return change


RULES: dict[str, Callable[..., Rule]] = {"adam": adam, "rmsprop": rmsprop, "sgd": sgd}
CASES: list[Adam | RMSprop | SGD] = [
    Adam(), Adam(learning_rate=0.1, beta_1=0.5, beta_2=0.7, epsilon=0.1),
    RMSprop(), RMSprop(learning_rate=0.05, rho=0.6, momentum=0.8, epsilon=0.5),
    SGD(), SGD(learning_rate=0.3, momentum=0.9), SGD(learning_rate=0.3, momentum=0.9, nesterov=True),
]  # fmt: skip


def gradient(weight: Vector, member: int, step: int) -> Vector:
    """A gradient that depends on the weights, whose size differs by member and changes sign now and then."""
    pull: Vector = (np.arange(SIZE) - 1.7) * weight + np.sin(step + np.arange(SIZE))
    return 10.0 ** (member - 1) * pull


def expected(training: Training, start: Vector, member: int) -> Vector:
    """Clip by the global norm, then decay, then the rule: the order of Keras' ``_backend_apply_gradients``."""
    rule, memory, weight = RULES[training.optimizer.kind](training.optimizer), {}, start.copy()
    for step in range(1, STEPS + 1):
        g = gradient(weight, member, step)
        if training.clip_norm is not None:
            g = g * training.clip_norm * min(1 / np.linalg.norm(g), 1 / training.clip_norm)
        weight = weight - weight * training.weight_decay * training.optimizer.learning_rate
        weight = rule(weight, g, memory, step)
    return weight


def moved(training: Training, start: Vector, kind: torch.dtype) -> Vector:
    weights = torch.tensor(start, dtype=kind)
    mover = Mover(training, slots(training, weights))
    for step in range(1, STEPS + 1):
        rows = [gradient(row, member, step) for member, row in enumerate(weights.double().numpy())]
        mover.move(weights, [Piece(0, torch.tensor(np.stack(rows), dtype=kind))], step)
    result: Vector = weights.double().numpy()
    return result


START = np.random.default_rng(1).normal(size=(MEMBERS, SIZE))


def test_every_kind_is_covered() -> None:
    assert set(optimizer.kinds()) == set(RULES) == {case.kind for case in CASES}


@pytest.mark.parametrize("spec", CASES, ids=repr)
@pytest.mark.parametrize(
    "extra", [{}, {"weight_decay": 0.1}, {"clip_norm": 0.5}, {"weight_decay": 0.1, "clip_norm": 2.0}]
)
def test_an_optimizer_equals_the_equations_of_keras(spec: Adam | RMSprop | SGD, extra: dict[str, float]) -> None:
    training = Training(optimizer=spec, **extra)
    wanted = np.stack([expected(training, start, member) for member, start in enumerate(START)])
    np.testing.assert_allclose(moved(training, START, torch.float64), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("spec", CASES, ids=repr)
def test_a_member_moves_as_if_it_were_alone(spec: Adam | RMSprop | SGD) -> None:
    """Clipping is by each member's own norm; a member of NaN gradients spoils nobody."""
    training = Training(optimizer=spec, clip_norm=0.5, weight_decay=0.01)

    def row(spoilt: bool) -> torch.Tensor:
        weights = torch.tensor(START, dtype=torch.float32)
        mover = Mover(training, slots(training, weights))
        for step in range(1, 6):
            gradients = torch.tensor(
                np.stack([gradient(START[m], m, step) for m in range(MEMBERS)]), dtype=torch.float32
            )
            if spoilt:
                gradients[0] = torch.nan
                gradients[2] = torch.inf
            mover.move(weights, [Piece(0, gradients)], step)
        return weights[1]

    assert torch.equal(row(False), row(True))


@pytest.mark.parametrize("spec", CASES, ids=repr)
def test_its_memory_is_all_there_is_to_put_it_back(spec: Adam | RMSprop | SGD) -> None:
    training = Training(optimizer=spec)
    whole, weights = torch.tensor(START).float(), torch.tensor(START).float()
    memory = slots(training, weights)
    mover, first = Mover(training, slots(training, whole)), Mover(training, memory)
    pulls = [torch.tensor(np.stack([gradient(START[m], m, s) for m in range(MEMBERS)])).float() for s in range(1, 9)]
    for step, pull in enumerate(pulls, 1):
        mover.move(whole, [Piece(0, pull.clone())], step)
    for step, pull in enumerate(pulls[:3], 1):
        first.move(weights, [Piece(0, pull)], step)
    second = Mover(training, {name: slot.clone() for name, slot in memory.items()})
    for step, pull in enumerate(pulls[3:], 4):
        second.move(weights, [Piece(0, pull)], step)
    assert torch.equal(whole, weights)


def test_a_gradient_of_zero_moves_nothing_and_divides_by_nothing() -> None:
    for spec in CASES:
        weights = torch.tensor(START).float()
        training = Training(optimizer=spec, clip_norm=1.0)
        Mover(training, slots(training, weights)).move(weights, [Piece(0, torch.zeros(MEMBERS, SIZE))], 1)
        assert torch.equal(weights, torch.tensor(START).float())
