"""Stored weights: safetensors in, a predictor out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import safetensors.numpy
import safetensors.torch
from torch import Tensor

from memspan.engine.population import Condition
from memspan.parts.network import stack
from memspan.parts.predictor import Predictor, trained


@dataclass(frozen=True)
class Weights:
    """Weights as safetensors, named by their content."""

    sha256: str
    data: bytes


def packed(weights: Mapping[str, Tensor]) -> Weights:
    """Weights of one member as safetensors bytes; equal weights give equal bytes."""
    # The array interface writes the same bytes as the one for tensors, in half of the time.
    data = safetensors.numpy.save({name: tensor.contiguous().numpy() for name, tensor in sorted(weights.items())})
    return Weights(hashlib.sha256(data).hexdigest(), data)


def unpacked(data: bytes) -> dict[str, Tensor]:
    """The named weights of safetensors bytes."""
    weights: dict[str, Tensor] = safetensors.torch.load(data)
    return weights


def predictor(condition: Condition, checkpoints: Sequence[bytes]) -> Predictor:
    """The predictor of some checkpoints of one condition, side by side."""
    weights = stack([unpacked(data) for data in checkpoints])
    return trained(condition.network(), weights, condition.task.signature(condition.steps))
