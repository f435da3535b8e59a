"""Within a bound, allocations beyond it fail; afterwards they don't."""

from __future__ import annotations

import resource

import pytest
import torch

from service.meters import resident_bytes
from workers.loop import diagnosed
from workers.memory_bound import memory_bound

MIB = 2**20


def filled(size: int) -> torch.Tensor:
    return torch.ones(size // 4)


def test_what_needs_more_than_the_bound_fails_with_an_error_that_says_so_and_less_does_not() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    held = resident_bytes() or 0
    with memory_bound(held + 300 * MIB):
        filled(100 * MIB)
        with pytest.raises(RuntimeError, match="can't allocate memory") as caught:
            filled(600 * MIB)
    assert diagnosed(caught.value)[0] == "out_of_memory"
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    filled(600 * MIB)


def test_a_bound_below_what_is_held_already_lets_nothing_large_in() -> None:
    with memory_bound(1), pytest.raises(RuntimeError, match="can't allocate memory"):
        filled(200 * MIB)
