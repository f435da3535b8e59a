"""Convergence: how often the rules of ``memspan.statistics.convergence`` are wrong, by simulation."""

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.report import Figure, table
from memspan.statistics.bootstrap import Floats
from memspan.statistics.convergence import improving

REPEATS, EPOCHS = (3, 5, 10, 30), (3, 5, 20)
"""of a condition, and how many of its last epochs are looked at"""
ERROR, SCATTER = 0.3, 0.1
"""a converged run's, and its deviation from epoch to epoch as a share of it"""
CONDITIONS = 1_000
"""simulated ones a figure: a share of .02 is known to .0044, one of .5 to .016 (standard errors)"""
SLOW, FAST = 0.2, 0.4
"""of its error that each run still sheds over the epochs that are looked at"""
LONE = 0.6
"""that one run of several sheds while the others rest, at half the scatter"""

Noise = Callable[[np.random.Generator, int, int], Floats]
"""of repeats (n, k), with a deviation of 1"""


def white(rng: np.random.Generator, n: int, k: int) -> Floats:
    """Epochs that know nothing of each other."""
    return rng.normal(size=(n, k))


def slow(rng: np.random.Generator, n: int, k: int) -> Floats:
    """Epochs that resemble each other: correlation .8 from one to the next."""
    drawn = white(rng, n, k)
    for place in range(1, k):
        drawn[:, place] = 0.8 * drawn[:, place - 1] + 0.6 * drawn[:, place]
    return drawn


def heavy(rng: np.random.Generator, n: int, k: int) -> Floats:
    """Now and then an epoch far off: t with three degrees of freedom."""
    return np.asarray(rng.standard_t(3, size=(n, k)) / np.sqrt(3))


NOISES: Mapping[str, Noise] = {"independent": white, "like their neighbours": slow, "with far ones": heavy}


def share(noise: Noise, n: int, k: int, fall: float = 0.0, lone: bool = False, conditions: int = CONDITIONS) -> float:
    """Of simulated conditions, in which some repeat is called improving; where one alone falls: that one.

    Args:
        fall: over the epochs that are looked at, as a share of the error.
    """
    rng, found = np.random.default_rng((n, k)), 0
    line = np.zeros((n, k))
    line[: 1 if lone else n] = fall * np.linspace(0.5, -0.5, k)
    scatter = SCATTER / 2 if lone else SCATTER
    for _ in range(conditions):
        flags = improving(np.abs(ERROR * (1 + line + scatter * noise(rng, n, k))))
        found += bool(flags[0] if lone else flags.any())
    return found / conditions


def main() -> str:
    """False alarms and misses by repeats and epochs."""
    return table("Convergence: how often its rules are wrong", [figure for name in NOISES for figure in _rows(name)])


def _rows(name: str) -> list[Figure]:
    noise = NOISES[name]
    return [
        Figure(
            f"epochs {name}: {n} repeats, the last {k} epochs",
            f"false alarms {share(noise, n, k):.1%}; missed: all shed {SLOW:.0%} {1 - share(noise, n, k, SLOW):.0%}, "
            f"{FAST:.0%} {1 - share(noise, n, k, FAST):.0%}; one of them sheds {LONE:.0%} "
            f"{1 - share(noise, n, k, LONE, lone=True):.0%}",
            "false alarms <= 5 %",
        )
        for n in REPEATS
        for k in EPOCHS
    ]
