"""``memspan.history``: how much history does a column of a table need?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from memspan.needed_history.answer import Answer
from memspan.needed_history.asking import answered
from memspan.needed_history.frame import table_of
from memspan.needed_history.question import Question, series_of


def history(
    frame: Any,
    target: str | None = None,
    *,
    inputs: Sequence[str] | None = None,
    horizon: int = 1,
    season: int | None = None,
    missing: Literal["error", "interpolate", "segment"] = "error",
    of: Literal["level", "change"] = "level",
    time: str | None = None,
    only: str | None = None,
    series_column: str | None = None,
    longest: int | None = None,
    learners: Sequence[str] = ("ridge",),
) -> Answer:
    """How many steps of the past a column needs to be foretold as well as with all of them.

    Ridge regression answers within a second; networks, which see more than straight lines, take a minute.

    ``print(memspan.history(frame, target="sunspots"))`` answers in one sentence; the answer's ``steps``, ``low``,
    ``high`` and ``state`` are the numbers in it, ``document()`` has all others, ``markdown()`` is a page of them, and
    ``figure()`` draws the loss by context.

    Args:
        frame: a data frame of pandas or polars, an array (rows,) or (rows, columns), or columns by name.
        target: the column to foretell; may be left out where there is one column of numbers.
        inputs: the columns that are known up to now; by default the target's own past alone.
        horizon: how many steps ahead.
        season: steps of a period that the data are known to have, so that contexts pass it.
        missing: ``error``, ``interpolate``, or ``segment``: no window reaches over a gap.
        of: foretell the ``level`` of the columns or their ``change`` from row to row.
        time: the column that tells when, else it is guessed.
        only: which of several series is asked about.
        series_column: the column that tells them apart, else it is guessed by its name.
        longest: the longest context to try; else as many as the answer needs, at most a fifth of the rows.
        learners: ``ridge`` and, beside it, ``mlp``, ``gru``, ``tcn`` and ``attention``, trained anew for each context.

    Raises:
        UnusableSeries: naming the argument or column, the limit, and what was given.
    """
    known = tuple(inputs) if inputs is not None else None
    asked = Question(target, known, horizon, season, missing, of, time, only, series_column)
    return answered(series_of(table_of(frame), asked), longest, learners)
