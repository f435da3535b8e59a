"""Models of the tests with drawn weights, none of which is 0."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from memspan.engine.condition import Condition
from memspan.exchange.layouts import Origin
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import trained
from memspan.models import model as models
from memspan.tasks import task as tasks
from memspan.training import Training

ORIGIN = Origin("ckpt-1", "0" * 64, 7)


def condition(model: dict[str, Any], task: dict[str, Any] | None = None, length: int = 12) -> Condition:
    """A condition of a model, of the task adding unless another is given."""
    task = task or {"kind": "adding"}
    return Condition(
        tasks.spec(task["kind"]).model_validate(task),
        models.spec(model["kind"]).model_validate(model),
        length,
        Training(),
        1994,
    )


def drawn(made: Condition, seed: int = 3) -> dict[str, Tensor]:
    """Weights of one model; biases too are drawn, as nothing would be seen of an order of zeros."""
    rng = torch.Generator().manual_seed(seed)
    shapes = {name: weight.shape for name, weight in made.network().weights.items()}
    return {name: torch.randn(shape, generator=rng) * 0.4 for name, shape in shapes.items()}


def answers(made: Condition, weights: dict[str, Tensor], inputs: Tensor) -> Tensor:
    """What Memspan answers, (B, K) or (B, T, K)."""
    return trained(made.network(), stack([weights]), made.signature)(inputs)[0]


def shown(made: Condition, batch: int = 5, steps: int | None = None) -> Tensor:
    """Sequences (B, T, C) that the model takes: tokens where it takes tokens."""
    rng = torch.Generator().manual_seed(11)
    signature = made.signature
    shape = (batch, steps or signature.length, signature.channels)
    if signature.vocabulary:
        return torch.randint(signature.vocabulary, shape, generator=rng).float()
    return torch.randn(shape, generator=rng)
