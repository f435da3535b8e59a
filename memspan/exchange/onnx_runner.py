"""Runners: an imported ONNX model that answers, in a child process of its own."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import torch
from torch import Tensor

from memspan.confinement import Bounds, Confined
from memspan.confinement.bounds import MEBIBYTE
from memspan.exchange.onnx_model import Answer, OnnxModel, Scaling
from memspan.interfaces.signature import Problem, Signature

WORK = "memspan.exchange.onnx_child:begin"
BOUNDS = Bounds(memory_bytes=3072 * MEBIBYTE, seconds=120, processor_seconds=100)
"""of one question: a probe asks some thousand sequences at once"""


class OnnxRunner:
    """Answers sequences as a predictor does. The child is started when it is first asked, and again where it died.

    Raises (from ``answer``):
        ConfinementError: the model says why it can't, or took too much.
    """

    def __init__(self, model: OnnxModel, data: bytes, signature: Signature, bounds: Bounds = BOUNDS) -> None:
        self._model, self._data, self._signature, self._bounds = model, data, signature, bounds
        self._child: Confined | None = None
        self._lock = threading.Lock()

    def answer(self, inputs: Tensor) -> Tensor:
        """(B, T, C) -> (1, B, K) or (1, B, T, K): values, or probabilities of the classes."""
        shown = scaled(inputs.float().cpu(), self._model.inputs).contiguous()
        found = asked(self._started(), self._model, shown)
        return settled(found, self._model.answer, self._model.outputs, self._signature).to(inputs.device).unsqueeze(0)

    def _started(self) -> Confined:
        with self._lock:
            if self._child is None or not self._child.alive:
                self._child = Confined(WORK, self._bounds)
                weakref.finalize(self, self._child.close)
                self._child.ask({"do": "load"}, self._data)
            return self._child


def asked(child: Confined, model: OnnxModel, shown: Tensor) -> Tensor:
    """What a loaded model puts out for sequences (B, T, C), as it is."""
    plan: dict[str, Any] = model.model_dump(
        mode="json", include={"input", "output", "type", "layout", "batch", "states"}
    )
    payload = shown.numpy().data.cast("B")
    frame = child.ask({"do": "run", "shape": list(shown.shape), "model": plan}, payload)
    shape = frame.document["shape"]
    return torch.frombuffer(bytearray(frame.payload), dtype=torch.float32).reshape(shape)


def scaled(inputs: Tensor, scaling: Scaling) -> Tensor:
    """(x - mean) / scale."""
    if scaling == Scaling():
        return inputs
    return (inputs - torch.tensor(scaling.mean)) / torch.tensor(scaling.scale)


def settled(found: Tensor, answer: Answer, behind: Scaling, signature: Signature) -> Tensor:
    """A model's output as the task's answers: (B, K), or (B, T, K) where all steps answer."""
    if found.ndim == 1:
        found = found.unsqueeze(-1)
    if found.ndim == 3 and not signature.several:
        found = found[:, -1]
    if signature.problem is Problem.REGRESSION:
        return found if behind == Scaling() else found * torch.tensor(behind.scale) + torch.tensor(behind.mean)
    if found.shape[-1] == 1 and signature.outputs == 2:
        chance = found.sigmoid() if answer == "logits" else found
        return torch.cat([1 - chance, chance], dim=-1)
    return found.softmax(-1) if answer == "logits" else found
