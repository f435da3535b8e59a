"""Layouts of weights by their names, and what a file of them says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from torch import Tensor

from memspan.engine.condition import Condition
from memspan.exchange import keras_layout, torch_layout
from memspan.experiment.checkpoint import unpacked
from memspan.interfaces.tensor_file import Bytes, TensorFile, file_of

Layout = Literal["memspan", "torch", "keras"]
LAYOUTS: tuple[Layout, ...] = ("memspan", "torch", "keras")


@dataclass(frozen=True)
class Origin:
    """Where weights come from."""

    checkpoint: str
    sha256: str
    seed: int


def exported(condition: Condition, data: Bytes, layout: Layout, origin: Origin) -> TensorFile:
    """A checkpoint's weights as a safetensors file in a layout, with metadata that tells what they are.

    Raises:
        NoForm: the framework has no such model.
    """
    return file_of(arranged(condition, unpacked(data), layout), metadata(condition, layout, origin))


def arranged(condition: Condition, weights: Mapping[str, Tensor], layout: Layout) -> Mapping[str, Tensor]:
    """The weights of one model by a layout's names."""
    if layout == "memspan":
        return weights
    write = torch_layout.written if layout == "torch" else keras_layout.written
    return write(condition.model, condition.network(), weights)


def metadata(condition: Condition, layout: str, origin: Origin) -> dict[str, str]:
    """What the file says: enough to come back."""
    return {
        "format": "pt" if layout == "torch" else layout,
        "layout": layout,
        "memspan": version("memspan"),
        "model": json.dumps(condition.model.model_dump(mode="json")),
        "task": json.dumps(condition.task.model_dump(mode="json")),
        "length": json.dumps(condition.length),
        "seed": str(origin.seed),
        "checkpoint": origin.checkpoint,
        "sha256": origin.sha256,
    }
