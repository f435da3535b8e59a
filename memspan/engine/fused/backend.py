"""The fused engine's arithmetic: a stack of runs, many optimiser steps in one compiled call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from memspan.engine.condition import Condition
from memspan.engine.fused.arguments import Field, packed
from memspan.engine.fused.compiler import Linked
from memspan.engine.fused.descent import constants, of_steps
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.library import library
from memspan.engine.fused.llvm_types import BYTES
from memspan.engine.fused.program import Program, program
from memspan.engine.fused.readout import METRICS
from memspan.engine.fused.sequences import Chunk, Sequences, in_lanes
from memspan.engine.fused.speed import blocks_within, steps_within
from memspan.engine.fused.workspace import sequence_size, workspace
from memspan.engine.scored_set import ScoredSet
from memspan.engine.state import State

CALL_SECONDS = 0.1
"""about how long a call trains or scores. Calling costs nothing from a hundredth of it on, and whoever cancels or stops
a worker doesn't wait for it (``python -m benchmarks thresholds``)"""


@lru_cache(maxsize=64)
def loaded(made: Program) -> Linked:
    """A program's compiled calls."""
    return library().linked(made.kernels, [made.training.name, made.scoring.name])


class Fused:
    """Small recurrent networks on the processor."""

    def __init__(self, condition: Condition, seeds: Sequence[int], state: State) -> None:
        self._condition, self._state = condition, state
        self._seeds = tuple(seeds)
        self._program = program(condition)
        self._calls = loaded(self._program)
        self._signature = condition.signature
        self._metrics = self._signature.metrics
        self._weights = state.rows.shape[1]
        self._size = sequence_size(self._signature)
        self._workspace = workspace(self._program, self._size, self._weights)
        self._memory = aligned(self._workspace.size * self._program.streams * LANES)
        self._sequences: Sequences | None = None

    def train(self, epoch: int, step: int) -> int:
        """Some optimiser steps of all members; how many."""
        training = self._condition.training
        if self._sequences is None:
            self._sequences = Sequences(self._condition, self._seeds)
        possible = steps_within(CALL_SECONDS, self._condition, self._program.layouts, self._weights, len(self._seeds))
        steps = min(training.steps_per_epoch - step, possible)
        chunk = self._sequences.chunk(epoch, step, steps)
        self._descend(chunk, epoch * training.steps_per_epoch + step, steps)
        return steps

    def _descend(self, chunk: Chunk, done: int, steps: int) -> None:
        """Call the loop for some steps, after ``done`` of them."""
        state, training = self._state, self._condition.training
        rows = padded(state.rows)
        names = training.optimizer.slots()
        slots = aligned(len(names), *rows.shape)
        for slot, name in zip(slots, names, strict=True):
            slot[:, : self._weights] = state.slots[name].numpy()
        sums = self._summed(state.sums)
        always = np.array(constants(training), np.float32)
        each = np.array(of_steps(training, range(done + 1, done + 1 + steps)), np.float32)
        lists = _addresses(chunk)
        values = self._common(rows, sums) | {
            Field.BATCH: training.batch_size, Field.COUNT: chunk.count, Field.FIRST: chunk.first, Field.STEPS: steps,
            Field.SLOTS: address(slots), Field.CONSTANTS: address(always), Field.OF_STEPS: address(each),
            Field.OF_EACH_STEP: len(each) // steps,
            Field.INPUTS: address(lists[0]), Field.TARGETS: address(lists[1]), Field.ORDERS: address(lists[2]),
        }  # fmt: skip
        self._call(self._program.training.name, values)
        restore(rows, state.rows)
        for slot, name in zip(slots, names, strict=True):
            restore(slot, state.slots[name])
        self._restore_sums(sums, state.sums)

    def score(self, rows: Tensor, data: ScoredSet, first: int, totals: Mapping[str, Tensor]) -> int:
        """Score some blocks of 16 sequences, all that are left of a part at most."""
        start, part = data.part(first)
        lanes, block = in_lanes(part), (first - start) // LANES
        members = rows.shape[0]
        possible = LANES * blocks_within(CALL_SECONDS, self._program.layouts, self._size.length, members)
        count = min(lanes.count - (first - start), possible)
        weights, sums = padded(rows), self._summed(totals)
        inputs, targets = (np.array([each[block].data_ptr()]) for each in (lanes.inputs, lanes.targets))
        values = self._common(weights, sums) | {
            Field.COUNT: count, Field.INPUTS: address(inputs), Field.TARGETS: address(targets),
        }  # fmt: skip
        self._call(self._program.scoring.name, values)
        self._restore_sums(sums, totals)
        return count

    def _summed(self, totals: Mapping[str, Tensor]) -> Any:
        """Sums by metric as the compiled calls add to them, (M, metrics)."""
        sums = np.zeros((len(self._seeds), METRICS))
        for index, name in enumerate(self._metrics):
            sums[:, index] = totals[name].numpy()
        return sums

    def _restore_sums(self, sums: Any, totals: Mapping[str, Tensor]) -> None:
        for index, name in enumerate(self._metrics):
            totals[name].copy_(torch.from_numpy(sums[:, index]))

    def _common(self, rows: Any, sums: Any) -> dict[int, int]:
        """The fields that training and scoring share."""
        length = self._size.length
        return self._workspace.places | {
            Field.LENGTH: length, Field.CHANNELS: self._signature.channels, Field.NUMBERS: self._size.inputs,
            Field.ANSWERS: self._size.targets, Field.DUE: length if self._signature.every_step else 1,
            Field.ANSWER_FROM: self._signature.answer_from if self._signature.every_step else 0,
            Field.MEMBERS: rows.shape[0], Field.BLOCKS: rows.shape[1] // LANES, Field.ROWS: address(rows),
            Field.SUMS: address(sums), Field.WORKSPACE: address(self._memory),
            Field.WORKSPACE_SIZE: self._workspace.size,
        }  # fmt: skip

    def _call(self, name: str, values: Mapping[int, int]) -> None:
        filled = packed(len(self._program.layouts), values)
        self._calls[name](address(filled))


def _addresses(chunk: Chunk) -> list[Any]:
    """Lists of addresses of each member's inputs, targets and order."""
    return [
        np.array([each.inputs.data_ptr() for each in chunk.sets]),
        np.array([each.targets.data_ptr() for each in chunk.sets]),
        np.array([each.data_ptr() for each in chunk.orders]),
    ]


def aligned(*shape: int) -> Any:
    """Zeros that begin where a vector may."""
    count = prod(shape)
    memory = np.zeros(count + LANES, np.float32)
    first = (-memory.ctypes.data % BYTES) // 4
    return memory[first : first + count].reshape(shape)


def address(array: Any) -> int:
    return int(array.ctypes.data)


def padded(rows: Tensor) -> Any:
    """A copy of rows (M, P) whose rows are whole blocks of 16 numbers."""
    members, count = rows.shape
    width = -(-count // LANES) * LANES
    copy = aligned(members, width)
    copy[:, :count] = rows.detach().numpy()
    return copy


def restore(copy: Any, rows: Tensor) -> None:
    """Put the numbers of a padded copy back."""
    with torch.no_grad():
        rows.copy_(torch.from_numpy(copy[:, : rows.shape[1]]))
