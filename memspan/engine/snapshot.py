"""Snapshots: all that a run needs to go on where it stopped, as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from torch import Tensor

from memspan.interfaces.tensor_file import Bytes, NoTensorFile, TensorFile, file_of, read


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
        diverged_at, ended_at: see Outcome.
        met, lowest, reached: see Pace.
        seconds: wall time spent so far.
        scored: sequences of the validation set, or after the last epoch of the test set, that are scored already.
        totals: of those, by metric: value x sequences.
        processor: the kind that has trained it so far (``processor.py``); empty where a release didn't note it.
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
    processor: str = ""
    ended_at: int | None = None
    met: int = 0
    lowest: float = float("inf")
    reached: int = 0


@dataclass(frozen=True)
class Snapshot:
    """A run's position and vectors (P,): its weights, its best weights and the optimiser's memory."""

    position: Position
    vectors: Mapping[str, Tensor]

    def file(self) -> TensorFile:
        """As safetensors; the position travels as JSON in the header (repr keeps every bit of a float)."""
        tensors = {name: vector.detach().cpu() for name, vector in self.vectors.items()}
        return file_of(tensors, {"position": json.dumps(asdict(self.position))})

    def to_bytes(self) -> bytes:
        """The bytes of ``file``, joined."""
        return self.file().data

    @staticmethod
    def from_bytes(data: Bytes) -> Snapshot:
        """Read back what ``file`` wrote, or SnapshotUnreadable; the vectors share the memory of a writable ``data``."""
        try:
            vectors, metadata = read(data)
            return Snapshot(Position(**json.loads(metadata["position"])), vectors)
        except (NoTensorFile, ValueError, KeyError, TypeError) as error:
            raise SnapshotUnreadable("The stored state of a run can't be read; it starts again.") from error
