"""Snapshots: all that a run needs to go on where it stopped, as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import safetensors.torch
from torch import Tensor


class SnapshotUnreadable(ValueError):
    """The stored state of a run can't be read; it starts again."""


@dataclass(frozen=True)
class Position:
    """Where a run stands.

    Attributes:
        epoch, step: the optimiser step to do next, both from 0.
        sums: of the current epoch so far, by metric: value x sequences.
        best_loss, best_epoch: lowest validation loss so far and its epoch (from 1; 0 = none yet).
        latest: the metrics of the last finished epoch.
        diverged_at: see Outcome.
        seconds: wall time spent so far.
        scored: sequences of the validation set, or after the last epoch of the test set, that are scored already.
        totals: of those, by metric: value x sequences.
    """

    epoch: int = 0
    step: int = 0
    sums: Mapping[str, float] = field(default_factory=dict)
    best_loss: float = float("inf")
    best_epoch: int = 0
    latest: Mapping[str, float] = field(default_factory=dict)
    diverged_at: int | None = None
    seconds: float = 0.0
    scored: int = 0
    totals: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """A run's position and vectors (P,): its weights, its best weights and the optimiser's memory."""

    position: Position
    vectors: Mapping[str, Tensor]

    def to_bytes(self) -> bytes:
        """As safetensors; the position travels as JSON in the header (repr keeps every bit of a float)."""
        tensors = {name: vector.detach().cpu().contiguous() for name, vector in self.vectors.items()}
        data: bytes = safetensors.torch.save(tensors, {"position": json.dumps(asdict(self.position))})
        return data

    @staticmethod
    def from_bytes(data: bytes) -> Snapshot:
        """Read back what ``to_bytes`` wrote, or SnapshotUnreadable."""
        try:
            size = int.from_bytes(data[:8], "little")
            header = json.loads(data[8 : 8 + size])
            position = Position(**json.loads(header["__metadata__"]["position"]))
            return Snapshot(position, safetensors.torch.load(data))
        except Exception as error:
            raise SnapshotUnreadable("The stored state of a run can't be read; it starts again.") from error
