"""Stored weights: safetensors in, a predictor out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import safetensors.numpy
import safetensors.torch
from torch import Tensor

from memspan.engine.condition import Condition
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import Predictor, trained


@dataclass(frozen=True)
class PackedWeights:
    """Weights as safetensors, named by their content."""

    sha256: str
    data: bytes


def packed(weights: Mapping[str, Tensor]) -> PackedWeights:
    """Weights of one member, float32, as safetensors bytes; equal weights give equal bytes."""
    header, order = _header(tuple(sorted((name, tuple(tensor.shape)) for name, tensor in weights.items())))
    data = header + b"".join(weights[name].contiguous().numpy().tobytes() for name in order)
    return PackedWeights(hashlib.sha256(data).hexdigest(), data)


@lru_cache(maxsize=64)
def _header(shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> tuple[bytes, tuple[str, ...]]:
    """The head of a safetensors file and the order of its tensors: the same for all members of a condition.

    Writing it anew for each of thousands of tiny members costs more than training some of them.
    """
    file = safetensors.numpy.save({name: np.zeros(shape, np.float32) for name, shape in shapes})
    size = 8 + int.from_bytes(file[:8], "little")
    entries = {name: entry for name, entry in json.loads(file[8:size]).items() if name != "__metadata__"}
    return file[:size], tuple(sorted(entries, key=lambda name: entries[name]["data_offsets"]))


def unpacked(data: bytes) -> dict[str, Tensor]:
    """The named weights of safetensors bytes, by the alphabet: the library has an order of its own each time."""
    weights: dict[str, Tensor] = safetensors.torch.load(data)
    return dict(sorted(weights.items()))


def predictor(condition: Condition, checkpoints: Sequence[bytes]) -> Predictor:
    """The predictor of some checkpoints of one condition, side by side."""
    weights = stack([unpacked(data) for data in checkpoints])
    return trained(condition.network(), weights, condition.signature)
