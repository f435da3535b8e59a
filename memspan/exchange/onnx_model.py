"""Imported ONNX models: what was found out about a file when it was admitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import BaseModel, Field
from torch import Tensor

from memspan.interfaces.foreign_model import ForeignModel
from memspan.interfaces.network import Network, Weight, Weights
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import frozen
from memspan.interfaces.tensor_file import Bytes

Layout = Literal["BTC", "TBC", "BT", "flat"]
Answer = Literal["logits", "probabilities", "values"]
Numbers = Annotated[tuple[float, ...], Field(max_length=4096)]


class Scaling(BaseModel):
    """(x - mean) / scale ahead of the model, y * scale + mean behind it; a number for each channel, or one for all."""

    model_config = frozen()
    mean: Numbers = (0.0,)
    scale: Numbers = (1.0,)


class StartState(BaseModel):
    """A second input that is fed zeros: its name and shape, null where the batch stands."""

    model_config = frozen()
    name: str
    shape: tuple[int | None, ...]


class OnnxModel(ForeignModel):
    """A model of any framework, run by onnxruntime in a process of its own that has limits."""

    title: ClassVar[str] = "Imported ONNX model"
    reference: ClassVar[str] = "Open Neural Network Exchange, onnx.ai"
    kind: Literal["onnx"] = "onnx"
    input: str
    output: str
    type: Literal["float", "double", "float16", "int64", "int32"] = "float"
    layout: Layout = "BTC"
    answer: Answer = "values"
    batch: int | None = None
    steps: int | None = None
    states: tuple[StartState, ...] = ()
    inputs: Scaling = Scaling()
    outputs: Scaling = Scaling()
    parameters: int = 0
    nodes: int = 0
    verified: bool = False
    found: tuple[str, ...] = ()

    def network(self, signature: Signature) -> Network:
        """It has no states or blocks to look at, and no gradient."""
        weights = {"graph": Weight((self.parameters,), _nothing)}
        return Network(
            weights,
            _unknown,
            state_size=0,
            receptive_field=None,
            any_length=self.steps is None,
            multiplications=0,
            opaque=True,
        )

    def predictor(self, files: Sequence[Bytes], signature: Signature) -> Predictor:
        """One child process for each; it ends with what answers."""
        from memspan.exchange.onnx_runner import OnnxRunner

        if len(files) != 1:
            raise AssertionError("an imported model has one file")
        return Predictor(1, OnnxRunner(self, bytes(files[0]), signature).answer)


def _nothing(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    return torch.zeros(shape)


def _unknown(weights: Weights, inputs: Tensor) -> Tensor:
    raise AssertionError("an imported model is asked through its predictor")
