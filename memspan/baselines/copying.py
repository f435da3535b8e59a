"""Where the letters of a selective copy lie: chances that each is still in sight when it is due."""

from __future__ import annotations

from math import comb

import numpy as np


def seen_uniform(context: int, letters: int, letter: int, visible: int) -> float:
    """Chance that a letter, from 0, lies in the last ``visible`` steps of a context with letters at random places.

    That many places at the end must hold letters - letter letters at least: hypergeometric.
    """
    whole, most = comb(context, letters), min(letters, visible)
    ways = sum(
        comb(visible, held) * comb(context - visible, letters - held)
        for held in range(letters - letter, most + 1)
        if letters - held <= context - visible
    )
    return ways / whole


def seen_before_letters(context: int, letters: int, letter: int, visible: int) -> float:
    """The same where each blank is put before a letter of chance: a letter has binomially many blanks before it."""
    blanks, share = context - letters, (letter + 1) / letters
    least = max(context - visible - letter, 0)  # blanks before it that bring it into sight
    if least > blanks:
        return 0.0
    if share == 1:
        return 1.0
    counts = np.arange(least, blanks + 1)
    return float(np.exp(_binomial_logs(counts, blanks, share)).sum())


def _binomial_logs(counts: np.ndarray, trials: int, share: float) -> np.ndarray:
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1)))])
    ways: np.ndarray = logs[trials] - logs[counts] - logs[trials - counts]
    found: np.ndarray = ways + counts * np.log(share) + (trials - counts) * np.log1p(-share)
    return found
