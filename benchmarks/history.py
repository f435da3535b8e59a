"""Needed history: how often the estimator is right on series whose memory is known, and how long it takes."""

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from benchmarks.report import Figure, table
from memspan.instruments.processes import AR2, LINEAR, Process
from memspan.needed_history.answer import Answer
from memspan.needed_history.asking import answered, ask
from memspan.needed_history.series import series

SERIES = 200
"""of each process; a share of .95 then has a standard error of .015"""
ROWS = (300, 3_000)
LONGEST = 24
NETS = ("mlp", "gru", "tcn", "attention")
TIMED = (3_000, 100_000)


def main() -> str:
    """For each process how often the answer is the truth, its bias, the coverage and width of its interval."""
    lines = [
        f"### Needed history by ridge regression, {SERIES} series of each process, contexts to {LONGEST}",
        "",
        "| process (truth) | rows | exact | bias | coverage | width | nothing found | said to fade |",
        "|---|---|---|---|---|---|---|---|",
        *(line for process in LINEAR for rows in ROWS for line in (row(process, rows),)),
        "",
    ]
    return (
        "\n".join(lines)
        + "\n"
        + table("Needed history, one answer (ridge regression, then networks beside it)", list(seconds()))
    )


def row(process: Process, rows: int) -> str:
    """A process at a number of rows; the answers of all its series, drawn from seeds of their own."""
    answers = [asked(process, rows, seed) for seed in range(SERIES)]
    truth, steps = process.needed(), np.array([each.steps for each in answers])
    covered = np.mean([each.low <= truth <= each.high for each in answers])
    width = np.median([each.high - each.low for each in answers])
    nothing, fades = (np.mean([each.state == state for each in answers]) for state in ("none", "fades"))
    exact, bias = np.mean(steps == truth), np.mean(steps - truth)
    return (
        f"| {process.name} ({truth}) | {rows:,} | {exact:.2f} | {bias:+.1f} | {covered:.2f} | {width:.0f} "
        f"| {nothing:.2f} | {fades:.2f} |"
    )


def asked(process: Process, rows: int, seed: int) -> Answer:
    drawn = process.draw(rows, np.random.default_rng((rows, seed)))
    return ask(series({"x": drawn}, "x"), longest=LONGEST)


def seconds() -> Iterator[Figure]:
    """What an answer takes, from the series to its interval."""
    for rows in TIMED:
        drawn = series({"x": AR2.draw(rows, np.random.default_rng(1))}, "x")
        begun = perf_counter()
        ask(drawn).document()
        goal = "<= 1 s" if rows == TIMED[0] else ""
        yield Figure(f"{rows:,} rows, one column", f"{perf_counter() - begun:.2f} s", goal)
    for rows, goal in zip(TIMED, ("<= 60 s", "<= 300 s"), strict=True):
        drawn = series({"x": AR2.draw(rows, np.random.default_rng(1))}, "x")
        begun = perf_counter()
        answered(drawn, None, NETS)
        yield Figure(f"{rows:,} rows, {', '.join(NETS)}, one core", f"{perf_counter() - begun:.0f} s", goal)


if __name__ == "__main__":
    print(main())
