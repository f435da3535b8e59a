"""Student's t."""

from __future__ import annotations

import pytest

from memspan.statistics.student import student


@pytest.mark.parametrize(
    ("freedom", "probability", "expected"),
    [
        (1, 0.975, 12.706), (2, 0.95, 2.920), (3, 0.99, 4.541), (4, 0.975, 2.776), (5, 0.999, 5.893),
        (10, 0.95, 1.812), (30, 0.995, 2.750), (120, 0.975, 1.980), (1000, 0.9, 1.282),
    ],
)  # fmt: skip
def test_quantiles_are_those_of_the_printed_tables(freedom: int, probability: float, expected: float) -> None:
    # Pearson & Hartley (1966), Biometrika Tables for Statisticians I, table 12; three decimals.
    assert student(freedom, probability) == pytest.approx(expected, abs=6e-4)


def test_quantiles_are_those_of_scipy() -> None:
    special = pytest.importorskip("scipy.special")
    for freedom in (1, 2, 3, 4, 5, 7, 12, 60, 400):
        for probability in (0.6, 0.9, 0.975, 0.999, 0.99999):
            assert student(freedom, probability) == pytest.approx(special.stdtrit(freedom, probability), rel=1e-5)
