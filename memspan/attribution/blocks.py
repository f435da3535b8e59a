"""How much one probe may hold: blocks that bound memory, and a cap on what it draws."""

from __future__ import annotations

from collections.abc import Iterator

from memspan.interfaces.predictor import Predictor
from memspan.interfaces.signature import Signature
from memspan.interfaces.task import TaskSpec

DRAWN_VALUES = 2**25
"""most numbers (sequences x steps x channels) that a probe draws at once: 128 MiB, chosen for memory"""
HELD_VALUES = 2**22
"""numbers that a block of answers or attributions may hold: 16 MiB, chosen for memory and not for speed"""


def too_large(task: TaskSpec, length: int, sequences: int) -> str | None:
    """Why so many sequences can't be held, as a sentence; None where they can."""
    signature = task.signature(length)
    values = sequences * signature.length * signature.channels
    if values <= DRAWN_VALUES:
        return None
    limit = DRAWN_VALUES // (signature.length * signature.channels)
    return (
        f"The task {task.kind} has {signature.length} steps of {signature.channels} channels here: sequences must be "
        f"at most {limit}, given {sequences}."
    )


def carried(model: Predictor, steps: int, channels: int) -> int:
    """Numbers that the answers to one sequence go through in the widest layer that is known, of all members."""
    network = model.internals.network if model.internals else None
    return model.members * (network.held(steps, channels) if network else steps * max(channels, 1))


def answered(model: Predictor, signature: Signature) -> int:
    """Numbers in the answers to one sequence, of all members."""
    return model.members * signature.outputs * (signature.length if signature.every_step else max(signature.at_end, 1))


def blocks(count: int, values_each: int, budget: int = HELD_VALUES) -> Iterator[slice]:
    """Consecutive slices of ``count`` items of so many numbers each; a block holds one item at least."""
    size = max(1, budget // max(values_each, 1))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
