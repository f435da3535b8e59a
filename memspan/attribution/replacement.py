"""Steps that are replaced by those of other sequences, and what a model then answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor

from memspan.attribution.blocks import answered, blocks
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.signature import Signature
from memspan.interfaces.task import TaskSpec
from memspan.tasks import sample


def other_sequences(task: TaskSpec, length: int, count: int, rng: Generator) -> Tensor:
    """Inputs of fresh sequences (B, T, C), in an order of chance: some tasks sort theirs by class."""
    return sample(task, length, count, rng).inputs[torch.randperm(count, generator=rng)]


def answers_to_replaced(
    model: Predictor, inputs: Tensor, fill: Tensor, places: Sequence[slice], signature: Signature
) -> Iterator[tuple[slice, Tensor]]:
    """Each window with the answers to the sequences whose steps in it come from ``fill``; many are asked at once."""
    each = max(inputs.numel(), len(inputs) * answered(model, signature))
    for part in blocks(len(places), each):
        chosen = places[part]
        answers = model(replaced(inputs, fill, chosen)).unflatten(1, (len(chosen), len(inputs)))  # (M, P, B, ...)
        yield from zip(chosen, answers.unbind(1), strict=True)


def answers_to_hidden(
    model: Predictor, inputs: Tensor, fill: Tensor, hidden: Tensor, signature: Signature
) -> Iterator[Tensor]:
    """The answers to the sequences for each of P masks (P, B, T), steps in which come from ``fill``."""
    each = max(inputs.numel(), len(inputs) * answered(model, signature))
    for part in blocks(len(hidden), each):
        shown = torch.where(hidden[part].unsqueeze(-1), fill, inputs)  # (P, B, T, C)
        yield from model(shown.flatten(0, 1)).unflatten(1, (len(shown), len(inputs))).unbind(1)


def replaced(inputs: Tensor, fill: Tensor, places: Sequence[slice]) -> Tensor:
    """The sequences once for each window, with its steps taken from ``fill``: (P B, T, C)."""
    copies = inputs.repeat(len(places), 1, 1, 1)
    for copy, window in zip(copies, places, strict=True):
        copy[:, window] = fill[:, window]
    return copies.flatten(0, 1)
