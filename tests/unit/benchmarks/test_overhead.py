"""What a run costs the database is what the work loop really calls."""

from __future__ import annotations

import pytest

from benchmarks import overhead
from tests.scenes import SMALLEST


def test_claims_and_ends_of_a_real_loop_are_counted() -> None:
    assert overhead.storage_seconds(SMALLEST) > 0


def test_a_benchmark_that_would_count_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the loop was changed to hand stacks in together, and what was timed was called no more."""
    monkeypatch.setattr(overhead, "CALLED", overhead.CALLED[1:])
    with pytest.raises(RuntimeError, match="calls no claim_several any more"):
        overhead.storage_seconds(SMALLEST)
