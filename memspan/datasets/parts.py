"""Drawing many sequences in parts: the same bits as at once, and no more memory than a part takes.

A task draws field after field, each for all sequences: first all labels, say, then all noise. For a part of the
sequences each such call gets a generator of its own, which stands where that field's part begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Generator, Tensor
from torch.overrides import TorchFunctionMode

from memspan.interfaces.batch import Batch

Draw = Callable[[int, Generator], Batch]
"""(how many sequences, randomness) -> sequences"""
PART_VALUES = 2**24
"""numbers of a part: 64 MiB, chosen for memory. Smaller sets are drawn at once"""
BLOCK = 16
"""sequences that parts are made of: torch draws normal numbers 16 at a time (``normal_fill`` in ATen's CPU kernels), so
that a part begins where such a block does, and is never smaller"""


class _NoRows(Exception):
    """A call draws something else than so many numbers for each sequence."""


def part_ranges(count: int, values_each: int, most: int = PART_VALUES) -> tuple[range, ...]:
    """Consecutive parts of ``count`` sequences of so many numbers each."""
    size = max(BLOCK, most // max(values_each, 1) // BLOCK * BLOCK)
    starts = range(0, max(count - BLOCK, 0) + 1, size)  # what is left over at the end goes with the part before it
    return tuple(range(start, stop) for start, stop in zip(starts, (*starts[1:], count), strict=True))


def in_parts(draw: Draw, ranges: Sequence[range], rng: Generator) -> Iterator[Batch]:
    """What ``draw`` gives for all sequences together, part after part; ``rng`` ends where it would have."""
    if len(ranges) == 1:
        yield draw(len(ranges[0]), rng)
        return
    before = rng.get_state()
    fields = _Fields(rng, ranges)
    for rows in ranges:
        try:
            yield fields.drawn(draw, rows)  # not by a name, which would keep it while the next one is drawn
        except _NoRows:
            break
    else:
        fields.leave(rng)
        return
    rng.set_state(before)
    whole = draw(ranges[-1].stop, rng)
    yield from (whole[rows.start : rows.stop] for rows in ranges)


class _Fields(TorchFunctionMode):
    """Gives each call that draws numbers its own generator, which goes on from part to part."""

    def __init__(self, rng: Generator, ranges: Sequence[range]) -> None:
        super().__init__()
        self._rng, self._ranges = rng, ranges
        self._generators: list[Generator] = []
        self._skip: Callable[[], Generator] = lambda: _copy(rng)
        self._rows, self._call = 0, 0

    def drawn(self, draw: Draw, rows: range) -> Batch:
        """The sequences of a part; the parts come in their order."""
        self._rows, self._call = len(rows), 0
        with self:
            return draw(len(rows), self._rng)

    def leave(self, rng: Generator) -> None:
        """Put a generator where the last field ends."""
        if self._generators:
            rng.set_state(self._generators[-1].get_state())

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if kwargs.get("generator") is not self._rng:
            return function(*args, **kwargs)
        if self._call == len(self._generators):
            self._begin(function, args, kwargs)
        generator = self._generators[self._call]
        self._call += 1
        return function(*args, **kwargs | {"generator": generator})

    def _begin(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A field that was not drawn before begins where the one before it ends, which is found by drawing that one."""
        _with_rows(args, self._rows, self._rows)
        mine = self._skip()
        self._generators.append(mine)
        here, rows = _copy(mine), self._rows

        def skipped() -> Generator:
            for part in self._ranges:
                function(*_with_rows(args, rows, len(part)), **kwargs | {"generator": here})
            return here

        self._skip = skipped


def _copy(rng: Generator) -> Generator:
    return Generator().set_state(rng.get_state())


def _with_rows(args: tuple[Any, ...], before: int, rows: int) -> tuple[Any, ...]:
    """The arguments of a call that draws so many rows instead: ``(3, 2)`` or ``(0, 9, (3, 2))``, where 3 are rows.

    Raises:
        _NoRows: it draws no row for each sequence.
    """
    sizes = [index for index, each in enumerate(args) if isinstance(each, tuple | list)]
    size = args[sizes[0]] if sizes else args
    if not size or any(isinstance(each, Tensor) for each in args) or size[0] != before:
        raise _NoRows
    fewer = (rows, *size[1:])
    return (*args[: sizes[0]], fewer, *args[sizes[0] + 1 :]) if sizes else fewer
