"""The workspace of a compiled call: sequences in lanes, tapes, gradients and scratch, one part behind the other."""

from __future__ import annotations

from dataclasses import dataclass

from memspan.engine.fused.arguments import Field, above, below, joined, sent, tape
from memspan.engine.fused.backward_rolled import scratch_vectors
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.program import Program
from memspan.interfaces.signature import Problem, Signature


@dataclass(frozen=True)
class SequenceSize:
    """Time steps of a sequence, and the numbers of its inputs and of its targets."""

    length: int
    inputs: int
    targets: int


def sequence_size(signature: Signature) -> SequenceSize:
    due = signature.length if signature.every_step else 1
    each = signature.outputs if signature.problem is Problem.REGRESSION else 1
    return SequenceSize(signature.length, signature.length * signature.channels, due * each)


@dataclass(frozen=True)
class Workspace:
    """The memory in which one stream computes: where each part begins and the size of the whole, in vectors."""

    places: dict[int, int]
    size: int


def workspace(made: Program, sequence: SequenceSize, weights: int) -> Workspace:
    """Lay out the workspace for sequences of a size and so many weights."""
    length = sequence.length
    sizes: dict[int, int] = {
        Field.LANES_IN: _whole(sequence.inputs),
        Field.LANES_TARGETS: _whole(sequence.targets),
        Field.GRADIENTS: _whole(weights),
        Field.SCRATCH: max(scratch_vectors(each) for each in made.layouts),
    }
    for number, level in enumerate(made.levels):
        width, pair = sum(made.layouts[layer].size for layer in level), len(level) > 1
        sizes[sent(number)] = length * width
        sizes[joined(number)] = length * width if pair else 0
        for layer in level:
            each = made.layouts[layer]
            sizes[tape(layer)] = (length + 1) * each.step_vectors + each.size
            sizes[above(layer)] = length * each.size if pair else 0
            sizes[below(layer)] = length * each.inputs if pair else 0
    starts, size = {}, 0
    for part, count in sizes.items():
        starts[int(part)] = size
        size += count
    return Workspace(starts, size)


def _whole(count: int) -> int:
    """Rounded up to the blocks of 16 in which gathering writes."""
    return -(-count // LANES) * LANES
