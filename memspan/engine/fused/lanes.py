"""Moving numbers between rows of memory and lanes: gathering sequences, adding lanes up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from llvmlite import ir

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.llvm_types import BIT_VECTOR, BITS, POINTER, VECTOR, WHOLE

FEW = 4
"""numbers of a sequence up to which they are moved one by one, which gains 5 to 15 % of a step; from 16 on it gains
little (``python -m benchmarks thresholds``)"""


def _crossed(code: Code, a: Any, b: Any, distance: int) -> tuple[Any, Any]:
    """Exchange the odd blocks of ``distance`` lanes of a with the even ones of b."""
    low = [lane if not lane & distance else LANES + lane - distance for lane in range(LANES)]
    high = [lane + distance if not lane & distance else LANES + lane for lane in range(LANES)]
    return _shuffled(code, a, b, low), _shuffled(code, a, b, high)


def _shuffled(code: Code, a: Any, b: Any, order: Sequence[int]) -> Any:
    return code.build.shuffle_vector(a, b, ir.Constant(BIT_VECTOR, [BITS(lane) for lane in order]))


def transposed(code: Code, rows: Sequence[Any]) -> list[Any]:
    """16 vectors of 16 lanes, turned."""
    turned = list(rows)
    for distance in (8, 4, 2, 1):
        for index in range(LANES):
            if not index & distance:
                pair = turned[index], turned[index | distance]
                turned[index], turned[index | distance] = _crossed(code, *pair, distance)
    return turned


def summed(code: Code, rows: Sequence[Any]) -> Any:
    """One vector: lane i is the sum of the lanes of the i-th of 16 vectors, in a fixed order."""
    left = list(rows)
    for distance in (8, 4, 2, 1):
        left = [code.add(*_crossed(code, left[i], left[i + distance], distance)) for i in range(distance)]
    return left[0]


@lru_cache(maxsize=1)
def gather() -> Kernel:
    """``f(order, first, count, inputs..., targets...)`` with (lanes, source, numbers) each: 16 sequences into lanes.

    A ``source`` holds sequences of so many numbers, ``order`` their places (int64) from ``first`` on; of the 16 lanes
    ``count`` are filled, and the others repeat the last of them. Up to 15 numbers behind a source are read, and up to
    15 vectors behind the last one of ``lanes`` are written.
    """
    code = Code(UNNAMED, [POINTER, WHOLE, WHOLE, *[POINTER, POINTER, WHOLE] * 2])
    order, first, count = code.arguments[:3]
    indices = []
    for lane in range(LANES):
        place = code.smaller(WHOLE(lane), code.plus(count, -1))
        indices.append(code.scalar(order, code.plus(first, place), WHOLE))
    for lanes, source, numbers in (code.arguments[3:6], code.arguments[6:9]):
        rows = [code.at(source, code.times(index, numbers)) for index in indices]
        few = code.build.icmp_signed("<=", numbers, WHOLE(FEW))
        with code.build.if_else(few) as (then, otherwise):
            with then:
                _one_by_one(code, lanes, rows, numbers)
            with otherwise:
                _block_by_block(code, lanes, rows, numbers)
    return kernel("gather", code)


def _block_by_block(code: Code, lanes: Any, rows: Sequence[Any], numbers: Any) -> None:
    with code.loop(numbers, stride=LANES) as start:
        block = [code.build.load(code.at(row, start), typ=VECTOR, align=4) for row in rows]
        for index, vector in enumerate(transposed(code, block)):
            code.store(vector, lanes, code.plus(start, index))


def _one_by_one(code: Code, lanes: Any, rows: Sequence[Any], numbers: Any) -> None:
    """A vector is put together in a register: storing its lanes one by one would stall the load that follows."""
    with code.loop(numbers) as index:
        vector = ir.Constant(VECTOR, ir.Undefined)
        for lane, row in enumerate(rows):
            vector = code.build.insert_element(vector, code.scalar(row, index), BITS(lane))
        code.store(vector, lanes, index)
