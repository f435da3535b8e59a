"""Given sequences as a task: arrays of a notebook, for probes that want to draw."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from pydantic import PrivateAttr
from torch import Generator, Tensor

from memspan.interfaces.batch import Batch
from memspan.interfaces.foreign_task import ForeignTask
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import Baseline


class Given(ForeignTask):
    """Sequences and their answers as they were handed over."""

    title: ClassVar[str] = "Given sequences"
    reference: ClassVar[str] = "yours"
    has_length: ClassVar[bool] = False
    kind: Literal["given"] = "given"
    _batch: Batch = PrivateAttr()
    _signature: Signature = PrivateAttr()

    @property
    def draws_independently(self) -> bool:
        """No: each is shown once."""
        return False

    @classmethod
    def of(cls, batch: Batch, outputs: int, tokens: int) -> Given:
        """Of sequences (B, T, C) with class numbers or values.

        Args:
            outputs: classes, or values of an answer.
            tokens: > 0 where steps show whole numbers below it.
        """
        made = cls()
        classes = not batch.targets.is_floating_point()
        every = batch.targets.ndim == (2 if classes else 3)
        problem = Problem.CLASSIFICATION if classes else Problem.REGRESSION
        steps, channels = batch.inputs.shape[1:]
        made._signature = Signature(steps, channels, outputs, problem, every_step=every, vocabulary=tokens)
        made._batch = batch
        return made

    def signature(self, length: int) -> Signature:
        return self._signature

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """Nobody knows them: that is what is asked."""
        return ()

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        return ()

    def target_variance(self, length: int) -> float | None:
        targets: Tensor = self._batch.targets
        return float(targets.var(0).mean()) if targets.is_floating_point() else None

    def drawn(self, count: int, rng: Generator) -> Batch:
        """So many of them; more than there are can't be had without showing some twice, which is not done."""
        if count > len(self._batch):
            raise ValueError(f"{count} sequences are asked about, and {len(self._batch)} were given.")
        rows = torch.randperm(len(self._batch), generator=rng)[:count]
        return Batch(self._batch.inputs[rows], self._batch.targets[rows])

    def content(self) -> dict[str, Any]:
        return {"kind": self.kind}
