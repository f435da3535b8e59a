"""The best falling curve: compiled and in numpy it is the same to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.statistics import compiled_falling, crossing
from memspan.statistics.falling import falling, pooled

ROWS = 200


def drawn(seed: int, length: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Success rates about a curve that falls, and of how many repeats each: (R, L), (L,)."""
    rng = np.random.default_rng((seed, length, most))
    totals = rng.integers(1, most + 1, length).astype(np.float64)
    chance = np.linspace(rng.uniform(0.5, 1), rng.uniform(0, 0.5), length)
    return rng.binomial(totals.astype(int), chance, size=(ROWS, length)) / totals, totals


@pytest.mark.parametrize("length", [1, 2, 7, 60, 400])
@pytest.mark.parametrize("most", [1, 3, 30])
def test_machine_code_and_numpy_give_the_same_bits(length: int, most: int) -> None:
    rates, totals = drawn(1, length, most)
    before = rates.copy()
    assert compiled_falling.loop() is not None
    assert falling(rates, totals).tobytes() == pooled(rates, totals).tobytes()
    assert rates.tobytes() == before.tobytes()


def test_no_rows_are_no_curves() -> None:
    assert falling(np.empty((0, 3)), np.ones(3)).shape == (0, 3)


def test_rows_of_any_layout_are_taken() -> None:
    rates, totals = drawn(2, 30, 5)
    sideways = np.asfortranarray(rates)[::3]
    assert falling(sideways, totals[:]).tobytes() == pooled(sideways, totals).tobytes()


def test_without_a_compiler_numpy_does_it_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rates, totals = drawn(3, 20, 5)
    expected = falling(rates, totals)
    with monkeypatch.context() as patch:
        patch.setattr(compiled_falling, "TEXT", "no assembly")
        compiled_falling.loop.cache_clear()
        assert falling(rates, totals).tobytes() == expected.tobytes()
    compiled_falling.loop.cache_clear()
    assert "Success curves are fitted by numpy" in caplog.text


@pytest.mark.parametrize("length", [3, 40, 300, 1_000])
def test_a_crossing_is_the_same_however_its_place_is_looked_for(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    curves, octaves = falling(*drawn(4, length, 6)), np.log2(np.arange(2, 2 + length))
    found = []
    for few in (0, 10_000):
        monkeypatch.setattr(crossing, "FEW", few)
        found.append(crossing.crossing(octaves, curves).tobytes())
    assert found[0] == found[1]
