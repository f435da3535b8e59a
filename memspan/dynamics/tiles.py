"""Members and sequences in blocks that bound memory."""

from __future__ import annotations

from collections.abc import Iterator

TILE_VALUES = 2**24
"""numbers that a block may hold: 128 MiB in double precision, chosen for memory and not for speed"""
TAPED_TILE_VALUES = 2**21
"""numbers of states that a block may hold while autograd remembers every step: gates and slopes take 20 times that,
320 MiB in all; chosen for memory and not for speed"""


def tiles(members: int, sequences: int, values_each: int, budget: int = TILE_VALUES) -> Iterator[tuple[slice, slice]]:
    """Slices of members and sequences, each pair together a block; a block holds one sequence of one member at least.

    Args:
        values_each: numbers that one sequence of one member takes.
    """
    wide = min(sequences, max(1, budget // max(values_each, 1)))
    high = max(1, budget // max(values_each * sequences, 1))
    for member in range(0, members, high):
        for sequence in range(0, sequences, wide):
            yield slice(member, min(member + high, members)), slice(sequence, min(sequence + wide, sequences))
