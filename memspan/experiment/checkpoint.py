"""Stored weights: safetensors in, a predictor out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from memspan.engine.condition import Condition
from memspan.interfaces.foreign_model import ForeignModel
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.tensor_file import Bytes, TensorFile, file_of, read


def packed(weights: Mapping[str, Tensor]) -> TensorFile:
    """Weights of one member, float32, as a safetensors file, named by its sha256; equal weights give equal bytes."""
    return file_of(weights)


def unpacked(data: Bytes) -> dict[str, Tensor]:
    """The named weights of safetensors bytes, by the alphabet: the library has an order of its own each time."""
    return read(data)[0]


def predictor(condition: Condition, checkpoints: Sequence[Bytes]) -> Predictor:
    """The predictor of some checkpoints of one condition, side by side."""
    if isinstance(condition.model, ForeignModel):
        return condition.model.predictor(checkpoints, condition.signature)
    weights = stack([unpacked(data) for data in checkpoints])
    return trained(condition.network(), weights, condition.signature)
