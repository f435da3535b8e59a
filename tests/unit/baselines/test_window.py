"""What windows can reach at adding: the chain against every sum there is, and against the published table."""

from __future__ import annotations

from itertools import product

import pytest

from memspan.baselines.window import bit_accuracy, exact_match

TABLE = {
    8: [0.1001, 0.3401, 0.6484, 0.8447, 0.9375, 0.9922, 1, 1, 1],
    16: [0.0100, 0.0958, 0.3546, 0.6366, 0.8193, 0.9610, 0.9922, 0.9998, 1],
    32: [0.0001, 0.0076, 0.1060, 0.3615, 0.6256, 0.9013, 0.9767, 0.9988, 0.9999],
    64: [0, 0, 0.0095, 0.1166, 0.3648, 0.7928, 0.9464, 0.9968, 0.9998],
}
"""probability of a whole sum by bits, for windows over 0, 1, 2, 3, 4, 6, 8, 12 and 16 previous pairs"""
WIDTHS = (0, 1, 2, 3, 4, 6, 8, 12, 16)


@pytest.mark.parametrize("bits", TABLE)
def test_whole_sums_come_out_as_often_as_the_table_says(bits: int) -> None:
    found = [exact_match(bits, before) for before in WIDTHS]
    assert found == pytest.approx(TABLE[bits], abs=5e-5)


def test_guessing_that_nothing_is_carried_is_right_when_no_pair_makes_a_carry() -> None:
    assert exact_match(8, 0) == pytest.approx(0.75**8, rel=1e-12)


def test_bits_of_short_numbers_come_out_as_often_as_the_table_says() -> None:
    found = [bit_accuracy(6, before) for before in range(7)]
    assert found == pytest.approx([0.6417, 0.8560, 0.9453, 0.9810, 0.9944, 0.9989, 1], abs=5e-5)


def best_window(bits: int, before: int) -> tuple[float, float]:
    """Exact match and bit accuracy of the likeliest digit for what each window sees, over all pairs of numbers.

    A window knows how far it is from the start, as one that is padded there does.
    """
    seen: dict[tuple[object, ...], list[int]] = {}
    sums = []
    for a, b in product(range(2**bits), repeat=2):
        pairs = [((a >> t) & 1, (b >> t) & 1) for t in range(bits + 1)]
        views = [(min(t, before), *pairs[max(0, t - before) : t + 1]) for t in range(bits + 1)]
        digits = [((a + b) >> t) & 1 for t in range(bits + 1)]
        sums.append((views, digits))
        for view, digit in zip(views, digits, strict=True):
            seen.setdefault(view, [0, 0])[digit] += 1
    guess = {view: int(ones > zeros) for view, (zeros, ones) in seen.items()}
    hits = [[guess[view] == digit for view, digit in zip(*each, strict=True)] for each in sums]
    return sum(map(all, hits)) / len(hits), sum(map(sum, hits)) / len(hits) / (bits + 1)


@pytest.mark.parametrize(("bits", "before"), [(4, 0), (4, 1), (4, 2), (4, 3), (4, 4), (6, 0), (6, 1), (6, 2), (6, 5)])
def test_the_closed_forms_are_what_trying_every_sum_gives(bits: int, before: int) -> None:
    exact, accuracy = best_window(bits, before)
    assert exact_match(bits, before) == pytest.approx(exact, abs=1e-12)
    assert bit_accuracy(bits, before) == pytest.approx(accuracy, abs=1e-12)


def test_a_window_that_sees_all_is_always_right() -> None:
    for bits in (1, 5):
        assert exact_match(bits, bits) == bit_accuracy(bits, bits) == 1
        assert exact_match(bits, 40) == bit_accuracy(bits, 40) == 1


def test_long_sums_are_no_trouble() -> None:
    assert 0 <= exact_match(10_000, 8) < exact_match(10_000, 20) < 1
    assert bit_accuracy(10_000, 3) == pytest.approx(0.9375, abs=1e-3)  # 1 - 2^-(k + 1) in the long run
