"""Memory that is lent again and again."""

from __future__ import annotations

from memspan.engine.hybrid.pool import BufferPool


def test_a_buffer_is_lent_once_at_a_time_and_again_when_it_is_back() -> None:
    pool = BufferPool()
    first, second = pool.lend(4, 5), pool.lend(4, 5)
    assert first.data_ptr() != second.data_ptr()
    pool.take_back(first)
    assert pool.lend(3, 6).data_ptr() == first.data_ptr()
    assert pool.lend(4, 5).data_ptr() not in (first.data_ptr(), second.data_ptr())


def test_a_buffer_that_is_too_small_makes_way() -> None:
    pool = BufferPool()
    pool.take_back(small := pool.lend(10))
    large = pool.lend(100)
    pool.take_back(large)
    assert pool.lend(10).data_ptr() == large.data_ptr() != small.data_ptr()
