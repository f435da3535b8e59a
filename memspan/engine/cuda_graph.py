"""A step's gradients as a CUDA graph, recorded once and replayed: launching many small kernels costs more than they do.

A recording is believed only after it gave the same numbers as the operations themselves; where it doesn't, or where
nothing can be recorded, the operations go on as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

Slopes = tuple[Tensor, Sequence[Tensor | None]]
"""Outputs (M, B, ...), and gradients (M, ...) by weight."""
Step = Callable[[Tensor, Tensor], Slopes]
"""(inputs, targets) -> outputs and gradients"""
WARM_UPS = 3
"""calls before a recording, in which libraries choose their kernels; as many as in PyTorch's notes on CUDA graphs"""
RELATIVE, ABSOLUTE = 1e-4, 1e-6
"""how close a replay comes to the operations themselves: sums may be added up in another order"""

log = logging.getLogger("memspan.engine")


class Recording(Protocol):
    """A recorded step, for inputs and targets of one shape."""

    def __call__(self, inputs: Tensor, targets: Tensor) -> Slopes:
        """Replay it; what it returns is overwritten by the next call."""


class CudaRecording:
    """A step as a CUDA graph. It reads and writes the same memory each time.

    Source:
        PyTorch's notes on CUDA graphs, "Whole-network capture".
    """

    def __init__(self, step: Step, inputs: Tensor, targets: Tensor) -> None:
        self._inputs, self._targets = inputs.clone(), targets.clone()
        aside = torch.cuda.Stream(device=inputs.device)
        aside.wait_stream(torch.cuda.current_stream(inputs.device))
        with torch.cuda.stream(aside):
            for _ in range(WARM_UPS):
                step(self._inputs, self._targets)
        torch.cuda.current_stream(inputs.device).wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._slopes = step(self._inputs, self._targets)

    def __call__(self, inputs: Tensor, targets: Tensor) -> Slopes:
        self._inputs.copy_(inputs)
        self._targets.copy_(targets)
        self._graph.replay()
        return self._slopes


class Recorded:
    """A step that is recorded at its first call; a batch of another shape, the last of an epoch, is never recorded."""

    def __init__(self, step: Step, record: Callable[[Step, Tensor, Tensor], Recording] = CudaRecording) -> None:
        self._step, self._record = step, record
        self._shapes: tuple[torch.Size, torch.Size] | None = None
        self._recording: Recording | None = None

    def __call__(self, inputs: Tensor, targets: Tensor) -> Slopes:
        """Outputs and gradients; they are overwritten by the next call."""
        shapes = inputs.shape, targets.shape
        if self._shapes is None:
            self._shapes = shapes
            self._recording = self._believed(inputs, targets)
        if self._recording is None or shapes != self._shapes:
            return self._step(inputs, targets)
        return self._recording(inputs, targets)

    def _believed(self, inputs: Tensor, targets: Tensor) -> Recording | None:
        """A recording that does what the step does; None where there is none."""
        wanted = self._step(inputs, targets)
        try:
            made = self._record(self._step, inputs, targets)
            if _equal(made(inputs, targets), wanted):
                return made
            log.warning("A recorded step differs from its operations; training goes on without recording.")
        except RuntimeError as error:
            log.warning("A step can't be recorded; training goes on without recording: %s", error)
        return None


def _equal(found: Slopes, wanted: Slopes) -> bool:
    """Whether all numbers agree, NaN with NaN."""
    pairs = zip((found[0], *found[1]), (wanted[0], *wanted[1]), strict=True)
    return all(_close(mine, its) for mine, its in pairs)


def _close(mine: Tensor | None, its: Tensor | None) -> bool:
    if mine is None or its is None:
        return mine is its
    scale = float(its.nan_to_num().abs().max()) if its.numel() else 0.0
    return torch.allclose(mine, its, rtol=RELATIVE, atol=max(ABSOLUTE, RELATIVE * scale), equal_nan=True)
