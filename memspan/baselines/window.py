"""The best that a window over the last pairs of bits can do at adding."""

from __future__ import annotations

import numpy as np


def exact_match(bits: int, before: int) -> float:
    """Probability that all ``bits + 1`` digits of a sum are right, the carry guessed from the ``before`` last pairs.

    A window can't know the carry into a digit if all pairs before it that it sees differ ("propagate", probability
    1/2 each); 0 is then the likelier guess. So it fails as soon as a carry of 1 has been handed on ``before`` times.
    The chain walked here has the state "no carry", and "carry handed on j times" for j < ``before``.
    """
    size = before + 1
    move = np.zeros((size, size))
    move[0, 0] = 0.75  # both bits 0, or they differ
    move[1:, 0] = 0.25
    if before:
        move[:, 1] = 0.25  # both bits 1: a carry is made
        move[range(1, before), range(2, size)] = 0.5
    return float(np.linalg.matrix_power(move, bits)[0].sum())


def bit_accuracy(bits: int, before: int) -> float:
    """Expected share of right digits among ``bits + 1``.

    Digit t > before is wrong with probability 2^-before P(c = 1), c the carry into the oldest pair of the window,
    P(c = 1) = 1/2 - 2^-(t - before + 1); digits up to ``before`` are always right.
    """
    late = max(bits - before, 0)
    return 1 - 2.0**-before * (late - 1 + 2.0**-late) / 2 / (bits + 1)
