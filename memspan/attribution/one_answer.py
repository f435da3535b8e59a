"""One answer of each sequence, where answers are due at steps that differ by sequence or all at its end."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from memspan.interfaces.batch import IGNORED, Batch
from memspan.interfaces.task import TaskSpec


def differs(task: TaskSpec, length: int) -> bool:
    """Whether there is no answer that every sequence has at its last step, and one of them must be looked at."""
    signature = task.signature(length)
    return signature.at_end > 0 or (signature.places > 0 and signature.length - 1 not in task.due_steps(length))


def one_of_each(batch: Batch, rng: Generator) -> Batch:
    """The batch with one target of each sequence, all that are due equally likely, and all others ignored."""
    due = batch.targets != IGNORED
    chances = torch.rand(due.shape, generator=rng)
    return only(batch, torch.where(due, chances, -1.0).argmax(1))


def about_step(task: TaskSpec, batch: Batch, step: int, rng: Generator) -> Batch:
    """The same with one of the answers that depend on a step, and of sequences that have none with one of all."""
    due = batch.targets != IGNORED
    depends = due & (task.sources(batch) == step).any(-1)
    chances = torch.rand(due.shape, generator=rng)
    return only(batch, torch.where(due, chances + depends, -1.0).argmax(1))


def only(batch: Batch, places: Tensor) -> Batch:
    """The batch with the target at one place of each sequence (B,), and all others ignored."""
    kept = torch.full_like(batch.targets, IGNORED)
    at = places.unsqueeze(1)
    return Batch(batch.inputs, kept.scatter(1, at, batch.targets.gather(1, at)))
