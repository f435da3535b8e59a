"""What ties the loops together: the way of members, sequences and levels through the kernels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from memspan.engine.fused.arguments import CallArguments, Field, joined
from memspan.engine.fused.assembly import Code
from memspan.engine.fused.kernel import Kernel
from memspan.engine.fused.layout import LayerLayout
from memspan.engine.fused.llvm_types import FLOAT, WHOLE


@dataclass(frozen=True)
class Kernels:
    """The kernels of a network.

    Attributes:
        forward, answer: of each layer from the input upwards, by the number of members side by side.
        backward: of each layer.
        levels: numbers of the layers that stand side by side, from the input upwards.
        copy_rows, add_rows: copy rows of vectors, or add them.
    """

    layouts: tuple[LayerLayout, ...]
    levels: tuple[tuple[int, ...], ...]
    every_step: bool
    gather: Kernel
    forward: dict[int, tuple[Kernel, ...]]
    answer: dict[int, tuple[Kernel, ...]]
    backward: tuple[Kernel, ...]
    learn: Kernel
    measure: Kernel
    descent: Kernel
    copy_rows: Kernel
    add_rows: Kernel

    def __iter__(self) -> Iterator[Kernel]:
        yield self.gather
        for by_streams in (self.forward, self.answer):
            for layers in by_streams.values():
                yield from layers
        yield from (*self.backward, self.learn, self.measure, self.descent, self.copy_rows, self.add_rows)


def groups(code: Code, sizes: Iterable[int], make: Callable[[], Driver]) -> None:
    """Members in groups of the largest size, then of the smaller ones."""
    members = CallArguments(code, code.arguments[0])[Field.MEMBERS]
    start: Any = WHOLE(0)
    for size in sorted(sizes, reverse=True):
        stop = code.plus(members, 1 - size)
        with code.loop(stop, start, size) as first:
            make().group([code.plus(first, index) for index in range(size)])
        whole = code.build.srem(code.build.sub(members, start), WHOLE(size))
        start = code.build.sub(members, whole)


Strided = tuple[Any, Any]
"""Where vectors of successive steps lie: the first step's address, and the stride."""


class Driver(ABC):
    """Reads the arguments and calls the kernels for a group of members."""

    def __init__(self, code: Code, kernels: Kernels) -> None:
        self.code, self.kernels = code, kernels
        self.arguments = CallArguments(code, code.arguments[0])
        self.length = self.arguments[Field.LENGTH]
        self.top = len(kernels.levels) - 1

    @abstractmethod
    def group(self, members: Sequence[Any]) -> None:
        """All that is to be done for some members side by side."""

    @abstractmethod
    def ends(self, stream: int, layer: int, level: int) -> Strided:
        """A layer's outputs that are wanted, in the order in which it made them."""

    def workspace(self, stream: int, field: int) -> Any:
        """An address in a stream's workspace."""
        code, arguments = self.code, self.arguments
        start = code.plus(code.times(arguments[Field.WORKSPACE_SIZE], WHOLE(stream)), arguments[field])
        return code.vector_at(arguments.address(Field.WORKSPACE), start)

    def per_member(self, field: int, member: Any) -> Any:
        """A member's blocks of 16 numbers."""
        code, arguments = self.code, self.arguments
        return code.vector_at(arguments.address(field), code.times(member, arguments[Field.BLOCKS]))

    def batches(self, total: Any, size: int) -> Any:
        """How many times a size goes into a total, rounded up."""
        return self.code.build.sdiv(self.code.plus(total, size - 1), WHOLE(size))

    def scale(self, count: Any) -> Any:
        """1 / (sequences x answers of each)."""
        code = self.code
        answers = code.build.sitofp(code.times(count, self.arguments[Field.DUE]), FLOAT)
        return code.build.fdiv(FLOAT(1), answers)

    def width(self, level: int) -> int:
        """Outputs of a level."""
        return sum(self.kernels.layouts[layer].size for layer in self.kernels.levels[level])

    def due(self, level: int) -> Any:
        """Steps whose outputs somebody wants: all, or of the top level those that answer."""
        return self.length if level < self.top else self.arguments[Field.DUE]

    def turned(self, rows: Strided, count: Any) -> Strided:
        """The same rows from the last to the first."""
        address, stride = rows
        stride = self.code.times(stride, 1)
        last = self.code.times(self.code.plus(count, -1), stride)
        return self.code.vector_at(address, last), self.code.build.neg(stride)

    def directed(self, layer: int, rows: Strided, count: Any) -> Strided:
        """Strided in the order in which a layer goes through them."""
        return self.turned(rows, count) if self.kernels.layouts[layer].reverse else rows

    def move(self, how: Kernel, count: Any, columns: int, source: Strided, goal: Strided) -> None:
        """Copy or add some rows of vectors."""
        self.code.call(how.name, count, WHOLE(columns), *source, *goal)

    def join(self, stream: int, level: int, sides: Sequence[Strided]) -> None:
        """Put the outputs of two directions side by side, each at its own place in time.

        Where only the last step answers, each side gives what it ends with.
        """
        count, first, width = self.due(level), 0, WHOLE(self.width(level))
        for layer, rows in zip(self.kernels.levels[level], sides, strict=True):
            size = self.kernels.layouts[layer].size
            goal = self.code.vector_at(self.workspace(stream, joined(level)), first), width
            self.move(self.kernels.copy_rows, count, size, self.directed(layer, rows, count), goal)
            first += size

    def outputs(self, stream: int, level: int) -> Strided:
        """A level's outputs that are wanted."""
        if len(self.kernels.levels[level]) == 1:
            return self.ends(stream, self.kernels.levels[level][0], level)
        return self.workspace(stream, joined(level)), WHOLE(self.width(level))
