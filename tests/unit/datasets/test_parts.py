"""Drawing in parts. That every task's parts are those of the whole is held by ``tests/contract/test_tasks.py``."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from memspan.datasets.parts import in_parts, part_ranges
from memspan.interfaces.batch import Batch


def drawn(count: int, rng: Generator) -> Batch:
    """Three fields, drawn one after the other."""
    inputs = torch.randn(count, 3, 1, generator=rng) + torch.rand((count, 3, 1), generator=rng)
    return Batch(inputs, torch.randint(2, (count,), generator=rng))


def mixed(count: int, rng: Generator) -> Batch:
    """One call draws no row for each sequence: parts can't be drawn by themselves."""
    order = torch.randperm(100, generator=rng)[:3]
    return Batch(torch.randn(count, 3, 1, generator=rng)[:, order.argsort()], torch.zeros(count))


@pytest.mark.parametrize("draw", [drawn, mixed])
def test_parts_laid_end_to_end_are_the_whole_and_leave_the_generator_where_it_would_be(draw: object) -> None:
    ranges = part_ranges(203, 4, most=64)
    one, rng = Generator().manual_seed(2), Generator().manual_seed(2)
    whole = draw(203, one)  # type: ignore[operator]
    parts = list(in_parts(draw, ranges, rng))  # type: ignore[arg-type]
    assert len(parts) == len(ranges) == 12
    assert torch.equal(torch.cat([part.inputs for part in parts]), whole.inputs)
    assert torch.equal(torch.cat([part.targets for part in parts]), whole.targets)
    assert torch.equal(torch.randn(5, generator=rng), torch.randn(5, generator=one))


@pytest.mark.parametrize(
    ("count", "most", "sizes"),
    [(5, 1, [5]), (16, 1, [16]), (31, 1, [31]), (32, 1, [16, 16]), (203, 400, [96, 107]), (100, 10**9, [100])],
)
def test_parts_begin_at_whole_blocks_and_none_is_smaller_than_one(count: int, most: int, sizes: list[int]) -> None:
    ranges = part_ranges(count, 4, most)
    assert [len(rows) for rows in ranges] == sizes
    assert [each for rows in ranges for each in rows] == list(range(count))


def test_no_more_numbers_than_a_part_s_are_drawn_at_once() -> None:
    asked: list[int] = []

    def noted(count: int, rng: Generator) -> Batch:
        asked.append(count)
        return drawn(count, rng)

    list(in_parts(noted, part_ranges(970, 4, most=256), Generator()))
    assert max(asked) == 64 + 970 % 64
