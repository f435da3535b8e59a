"""What can at best be recalled: by who sees the last steps only, by who carries some bits, by who knows half of it."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from memspan.baselines.slots import drawn_slots


@lru_cache(maxsize=4096)
def window_accuracy(length: int, pairs: int, values: int, power: float, window: int, shuffled: bool = False) -> float:
    """The best accuracy of an answer that is made of the last ``window`` steps, the query's own included.

    A query with its key and value in sight is answered. Else the value is none of those that stand in sight behind
    their keys, and each of the others is as likely as the next: values are drawn without looking at anything else.

    A window of an even number of steps begins at a value whose key it doesn't see. What that is good for is left out:
    the best lies between this number and that of a window of one step more, and is reached for odd windows.

    Args:
        pairs: keys with their values, at the steps 0, 1, .. 2 ``pairs`` - 1.
        values: how many there are to choose from.
        power: of the law that queries' slots are drawn by.
    """
    slots = (length - 2 * pairs) // 2
    chances = drawn_slots(slots, pairs, power, shuffled)  # (D, S)
    asked = 2 * pairs + 2 * np.arange(slots)  # step of each slot
    first = asked - window + 1  # step that the window begins at
    keys = 2 * np.arange(pairs)
    seen = keys[:, None] >= first  # (D, S)
    in_sight = seen.sum(0)
    guess = 1 / (values - in_sight)
    return float((chances * np.where(seen, 1.0, guess)).sum() / pairs)


def lag_accuracy(lag: int, pairs: int, values: int, window: int) -> float:
    """The most at one lag: a window that begins at a value has it in sight at a lag of its own size."""
    return 1.0 if lag <= window else 1 / max(values - pairs, 1)


def state_accuracy(bits: float, pairs: int, values: int) -> float:
    """No answers are right more often that are made of a state of so many bits when the queries come.

    The accuracy p at which log2 m - H2(p) - (1 - p) log2(m - 1) = bits / pairs, m the number of values: by Fano's
    inequality an upper bound, near the best for many pairs.

    Source:
        Fano (1961); Cover & Thomas, Elements of Information Theory, 2.10.
    """
    need, low, high = bits / pairs, 1 / values, 1.0
    if need >= told_bits(1.0, values):
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if told_bits(middle, values) < need else (low, middle)
    return (low + high) / 2


def told_bits(accuracy: float, values: int) -> float:
    """Least bits that must be known of one of some equally likely values to name it so often."""
    wrong = 1 - accuracy
    entropy = sum(-p * math.log2(p) for p in (accuracy, wrong) if p > 0)
    return math.log2(values) - entropy - (wrong * math.log2(values - 1) if values > 1 else 0.0)


def stored_accuracy(bits: float, pairs: int, values: int) -> float:
    """What is reached by storing as many values as the bits allow and guessing at the rest: a lower bound."""
    share = min(bits / (pairs * math.log2(values)), 1.0)
    return share + (1 - share) / values


def needed_bits(pairs: int, values: int) -> float:
    """Bits that hold all values of a sequence, in the order of keys; they all differ."""
    return float((math.lgamma(values + 1) - math.lgamma(values - pairs + 1)) / math.log(2))
