"""Products of what a block of time steps left behind, for layers of any size, tile by tile in registers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.llvm_types import POINTER, VECTOR, WHOLE


@dataclass(frozen=True)
class Products:
    """The two products that the backward loops call."""

    outer: Kernel
    transposed: Kernel


@lru_cache(maxsize=1)
def products() -> Products:
    return Products(_outer(), _transposed())


@lru_cache(maxsize=2)
def row_copy(adding: bool) -> Kernel:
    """``f(rows, columns, source, source_stride, goal, goal_stride)``: copy a block of vectors, or add it to another.

    A stride that is negative turns the order of the rows.
    """
    code = Code(UNNAMED, [WHOLE, WHOLE, POINTER, WHOLE, POINTER, WHOLE])
    rows, columns, source, source_stride, goal, goal_stride = code.arguments
    with code.loop(rows) as row:
        begin, end = code.times(row, source_stride), code.times(row, goal_stride)
        with code.loop(columns) as column:
            vector, place = code.load(source, code.plus(begin, column)), code.plus(end, column)
            if adding:
                vector = code.add(code.load(goal, place), vector)
            code.store(vector, goal, place)
    return kernel("add_rows" if adding else "copy_rows", code)


@contextmanager
def _tiles(code: Code, start: Any, stop: Any, size: int) -> Iterator[Any]:
    """Whole tiles of a range; gives the first of each."""
    whole = code.build.sub(stop, code.build.srem(code.build.sub(stop, start), WHOLE(size)))
    with code.loop(whole, start, size) as first:
        yield first


def _rest(code: Code, stop: Any, size: int) -> Any:
    """Where the whole tiles of 0..stop end."""
    return code.build.sub(stop, code.build.srem(stop, WHOLE(size)))


def _outer() -> Kernel:
    """``f(steps, rows, columns, a, a_stride, b, b_stride, sums, sums_stride)``: sums[r, c] += sum_t a[t, r] b[t, c].

    All vectors; lanes are never added up.
    """
    code = Code(UNNAMED, [WHOLE, WHOLE, WHOLE, POINTER, WHOLE, POINTER, WHOLE, POINTER, WHOLE])
    rows, columns = code.arguments[1:3]
    for first_row, last_row, height, widths in (
        (WHOLE(0), rows, 4, (4, 1)),
        (_rest(code, rows, 4), rows, 1, (8, 4, 1)),
    ):
        with _tiles(code, first_row, last_row, height) as row:
            begin: Any = WHOLE(0)
            for width in widths:
                with _tiles(code, begin, columns, width) as column:
                    _outer_tile(code, row, column, height, width)
                begin = code.build.sub(columns, code.build.srem(code.build.sub(columns, begin), WHOLE(width)))
    return kernel("outer", code)


def _outer_tile(code: Code, row: Any, column: Any, height: int, width: int) -> None:
    steps, _, _, a, a_stride, b, b_stride, sums, sums_stride = code.arguments
    places = [(i, j) for i in range(height) for j in range(width)]
    corner = code.plus(code.times(row, sums_stride), column)
    spots = {(i, j): code.plus(corner, code.times(WHOLE(i), sums_stride), j) for i, j in places}
    totals = {place: code.variable(VECTOR, code.load(sums, spots[place])) for place in places}
    with code.loop(steps) as now:
        left = code.plus(code.times(now, a_stride), row)
        right = code.plus(code.times(now, b_stride), column)
        factors = [code.load(a, code.plus(left, i)) for i in range(height)]
        sources = [code.load(b, code.plus(right, j)) for j in range(width)]
        for i, j in places:
            code.set(totals[i, j], code.fma(factors[i], sources[j], code.get(totals[i, j])))
    for place in places:
        code.store(code.get(totals[place]), sums, spots[place])


def _transposed() -> Kernel:
    """``f(steps, rows, columns, weights, weights_stride, b, b_stride, sums)``: sums[t, r] += sum_c w[r, c] b[t, c].

    ``weights`` are numbers, ``b`` and ``sums`` (steps, rows) vectors.
    """
    code = Code(UNNAMED, [WHOLE, WHOLE, WHOLE, POINTER, WHOLE, POINTER, WHOLE, POINTER])
    steps, rows = code.arguments[:2]
    with code.loop(steps) as now:
        for first_row, height in ((WHOLE(0), 8), (_rest(code, rows, 8), 1)):
            with _tiles(code, first_row, rows, height) as row:
                _transposed_tile(code, now, row, height)
    return kernel("transposed", code)


def _transposed_tile(code: Code, now: Any, row: Any, height: int) -> None:
    _, rows, columns, weights, weights_stride, b, b_stride, sums = code.arguments
    spot = code.plus(code.times(now, rows), row)
    totals = [code.variable(VECTOR, code.load(sums, code.plus(spot, i))) for i in range(height)]
    with code.loop(columns) as column:
        source = code.load(b, code.plus(code.times(now, b_stride), column))
        for i, total in enumerate(totals):
            place = code.plus(code.times(code.plus(row, i), weights_stride), column)
            code.set(total, code.fma(code.broadcast(weights, place), source, code.get(total)))
    for i, total in enumerate(totals):
        code.store(code.get(total), sums, code.plus(spot, i))
