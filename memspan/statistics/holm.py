"""Holm's correction of a family of tests."""

from __future__ import annotations

from collections.abc import Sequence


def holm(probabilities: Sequence[float]) -> list[float]:
    """Probabilities of a family of tests, each raised so that a family without any difference shows one in as few cases
    as stated.

    Source:
        Holm (1979), Scandinavian Journal of Statistics 6(2).
    """
    order = sorted(range(len(probabilities)), key=lambda place: probabilities[place])
    found, least = [1.0] * len(probabilities), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(probabilities) - rank) * probabilities[place]))
        found[place] = least
    return found
