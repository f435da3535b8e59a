"""Student's t: how far from 0 a mean of few values lies by chance, in standard errors."""

from __future__ import annotations

from math import expm1, pi, sqrt, tan
from statistics import NormalDist


def student(freedom: int, probability: float) -> float:
    """The number below which t with some degrees of freedom lies with a probability of .5 or more.

    Right to six digits; scipy has it too, and takes a third of a second to import.

    Source:
        Hill (1970), Communications of the ACM 13(10), algorithm 396.
    """
    both = 2 * (1 - probability)  # of both tails
    if freedom == 1:
        return tan((probability - 0.5) * pi)
    if freedom == 2:
        return sqrt(2 / (both * (2 - both)) - 2)
    n = freedom
    a = 1 / (n - 0.5)
    b = 48 / a**2
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * sqrt(a * pi / 2) * n
    y = (d * both) ** (2 / n)
    if y > 0.05 + a:
        return sqrt(n * _near(n, both, a, b, c, d))
    far = 1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)
    return sqrt(n * ((far * y - 1) * (n + 1) / (n + 2) + 1 / y))


def _near(n: int, both: float, a: float, b: float, c: float, d: float) -> float:
    """t² / n where it lies near the normal number; names as in the source."""
    x = NormalDist().inv_cdf(both / 2)
    c += 0.3 * (n - 4.5) * (x + 0.6) if n < 5 else 0
    c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b
    y = x**2
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
    return expm1(a * y**2)
