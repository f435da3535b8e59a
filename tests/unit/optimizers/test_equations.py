"""Every optimiser against its published equations, written down again in float64, and against torch's own.

Source: keras/src/optimizers/{adam,adamw,base_optimizer,nadam,rmsprop,sgd}.py of github.com/keras-team/keras, version 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from memspan.engine.mover import Mover, slots
from memspan.engine.weight_rows import Stretch
from memspan.interfaces.optimizer import OptimizerSpec
from memspan.optimizers import optimizer
from memspan.optimizers.adam import Adam
from memspan.optimizers.adamw import AdamW
from memspan.optimizers.nadam import SETTLED, NAdam, momenta, momentum
from memspan.optimizers.rmsprop import RMSprop
from memspan.optimizers.sgd import SGD
from memspan.training import Training

Vector = NDArray[np.float64]
Rule = Callable[[Vector, Vector, dict[str, Any], int], Vector]
MEMBERS, SIZE, STEPS = 3, 5, 40


def adam(spec: Adam | AdamW) -> Rule:
    """m += (g - m)(1 - b1), v += (g² - v)(1 - b2), w -= m alpha / (sqrt(v) + epsilon)."""

    def change(weight: Vector, gradient: Vector, memory: dict[str, Any], step: int) -> Vector:
        m = memory["m"] = memory.get("m", 0.0) + (gradient - memory.get("m", 0.0)) * (1 - spec.beta_1)
        v = memory["v"] = memory.get("v", 0.0) + (gradient**2 - memory.get("v", 0.0)) * (1 - spec.beta_2)
        alpha = spec.learning_rate * np.sqrt(1 - spec.beta_2**step) / (1 - spec.beta_1**step)
        return weight - m * alpha / (np.sqrt(v) + spec.epsilon)

    return change


def adamw(spec: AdamW) -> Rule:
    """w -= w weight_decay lr (``_apply_weight_decay``), then Adam."""
    rule = adam(spec)

    def change(weight: Vector, gradient: Vector, memory: dict[str, Any], step: int) -> Vector:
        return rule(weight - weight * spec.weight_decay * spec.learning_rate, gradient, memory, step)

    return change


def nadam(spec: NAdam) -> Rule:
    """w -= lr m_hat / (sqrt(v_hat) + epsilon), both corrected, ``_u_product`` carried from step to step."""

    def change(weight: Vector, gradient: Vector, memory: dict[str, Any], step: int) -> Vector:
        u_t, u_t_1 = (spec.beta_1 * (1.0 - 0.5 * 0.96**t) for t in (step, step + 1))
        u_product_t = memory["u"] = memory.get("u", 1.0) * u_t
        m = memory["m"] = memory.get("m", 0.0) + (gradient - memory.get("m", 0.0)) * (1 - spec.beta_1)
        v = memory["v"] = memory.get("v", 0.0) + (gradient**2 - memory.get("v", 0.0)) * (1 - spec.beta_2)
        m_hat = u_t_1 * m / (1 - u_product_t * u_t_1) + (1 - u_t) * gradient / (1 - u_product_t)
        v_hat = v / (1 - spec.beta_2**step)
        return weight - m_hat * spec.learning_rate / (np.sqrt(v_hat) + spec.epsilon)

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


RULES: dict[str, Callable[..., Rule]] = {
    "adam": adam, "adamw": adamw, "nadam": nadam, "rmsprop": rmsprop, "sgd": sgd,
}  # fmt: skip
CASES: list[OptimizerSpec] = [
    Adam(), Adam(learning_rate=0.1, beta_1=0.5, beta_2=0.7, epsilon=0.1), Adam(beta_1=0.0, beta_2=0.0),
    AdamW(), AdamW(learning_rate=0.1, beta_1=0.5, epsilon=0.1, weight_decay=0.3), AdamW(weight_decay=0.0),
    NAdam(), NAdam(learning_rate=0.1, beta_1=0.5, beta_2=0.7, epsilon=0.1), NAdam(beta_1=0.0),
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


def moved(training: Training, start: Vector) -> Vector:
    weights = torch.tensor(start)
    mover = Mover(training, slots(training, weights))
    for step in range(1, STEPS + 1):
        rows = [gradient(row, member, step) for member, row in enumerate(weights.numpy())]
        mover.move(weights, [Stretch(0, torch.tensor(np.stack(rows)))], step)
    result: Vector = weights.numpy()
    return result


START = np.random.default_rng(1).normal(size=(MEMBERS, SIZE))


def test_every_kind_is_covered() -> None:
    assert set(optimizer.kinds()) == set(RULES) == {case.kind for case in CASES}


@pytest.mark.parametrize("spec", CASES, ids=repr)
@pytest.mark.parametrize(
    "extra", [{}, {"weight_decay": 0.1}, {"clip_norm": 0.5}, {"weight_decay": 0.1, "clip_norm": 2.0}]
)
def test_an_optimizer_equals_the_equations_of_keras(spec: OptimizerSpec, extra: dict[str, float]) -> None:
    training = Training(optimizer=spec, **extra)
    wanted = np.stack([expected(training, start, member) for member, start in enumerate(START)])
    np.testing.assert_allclose(moved(training, START), wanted, rtol=1e-12, atol=1e-12)


BETAS = (0.8, 0.99)
TORCH: dict[str, tuple[OptimizerSpec, Callable[[list[torch.Tensor]], torch.optim.Optimizer]]] = {
    "adamw": (
        AdamW(learning_rate=0.02, beta_1=0.8, beta_2=0.99, epsilon=1e-30, weight_decay=0.2),
        lambda weights: torch.optim.AdamW(weights, lr=0.02, betas=BETAS, eps=1e-30, weight_decay=0.2),
    ),
    "nadam": (
        NAdam(learning_rate=0.02, beta_1=0.8, beta_2=0.99, epsilon=1e-3),
        lambda weights: torch.optim.NAdam(weights, lr=0.02, betas=BETAS, eps=1e-3, momentum_decay=1.0),
    ),
}


@pytest.mark.parametrize("kind", TORCH)
def test_an_optimizer_equals_that_of_torch(kind: str) -> None:
    """Torch's Adam adds epsilon to the corrected root, so it is nothing here. Its NAdam warms up by .96^(t decay), and
    keeps the product of momenta in float32."""
    spec, theirs = TORCH[kind]
    weight = torch.tensor(START[1], requires_grad=True)
    optimizer = theirs([weight])
    for step in range(1, STEPS + 1):
        weight.grad = torch.tensor(gradient(weight.detach().numpy(), 1, step))
        optimizer.step()
    np.testing.assert_allclose(moved(Training(optimizer=spec), START)[1], weight.detach().numpy(), rtol=1e-8)


@pytest.mark.parametrize("beta_1", [0.0, 0.5, 0.9, 0.9999])
def test_momenta_are_multiplied_from_the_first_step_to_any(beta_1: float) -> None:
    product = 1.0
    for step in range(1, SETTLED + 50):
        product *= momentum(beta_1, step)
        assert momenta(beta_1, step) == pytest.approx(product, rel=1e-12)
    assert momentum(beta_1, SETTLED) == beta_1
