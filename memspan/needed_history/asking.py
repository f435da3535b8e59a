"""Asking a series by ridge regression, which takes a moment: contexts grow until longer ones gain nothing more."""

from __future__ import annotations

from collections.abc import Sequence

from memspan.needed_history.answer import Answer
from memspan.needed_history.columns import blinded, column_needs
from memspan.needed_history.finding import Finding
from memspan.needed_history.judgement import Judgement
from memspan.needed_history.ladder import DENSER, around, contexts, first_longest, most_steps
from memspan.needed_history.ridge import ridge
from memspan.needed_history.series import Series, UnusableSeries
from memspan.needed_history.windows import windows

RIDGE = {"kind": "ridge"}


def ask(series: Series, longest: int | None = None) -> Answer:
    """How much history ridge regression needs to foretell the series.

    Args:
        longest: the longest context, in steps; without it one that passes a period of the data, and then twice as
            long ones as long as the answer lies beyond.

    Raises:
        UnusableSeries: ``longest`` is more than these data can tell about.
    """
    most = most_steps(series)
    if longest is not None and not 1 <= longest <= most:
        limit = f"lies from 1 to {most:,} for {len(series):,} rows of {series.columns} columns"
        raise UnusableSeries("longest", f"{limit}; given was {longest}.")
    tried = [longest or first_longest(series)]
    judged = _judged(series, tried[-1])
    while longest is None and judged.censored and tried[-1] < most:
        tried.append(min(2 * tried[-1], most))
        judged = _judged(series, tried[-1])
    finding = Finding(judged, RIDGE)
    points = windows(series, tried[-1])
    several = series.columns > 1
    columns = column_needs(points, max(1, finding.need.steps)) if several else ()
    shown = blinded(points, finding.need.steps) if finding.need.found and finding.need.steps else None
    return Answer(series, finding, (finding,), tuple(tried), columns, shown)


def answered(series: Series, longest: int | None, learners: Sequence[str]) -> Answer:
    """The same, with networks beside it where ``learners`` names any.

    Raises:
        UnusableSeries: there is no such learner.
    """
    found = ask(series, longest)
    if set(learners) <= {"ridge"}:
        return found
    from memspan.needed_history.learning import with_nets  # torch takes a second to import

    return with_nets(found, learners)


def _judged(series: Series, longest: int) -> Judgement:
    """All contexts up to ``longest``; where they are too many a ladder, and then each one around the answer."""
    points = windows(series, longest)
    tried = contexts(longest)
    judged = Judgement(ridge(points, tried), series.horizon)
    if longest <= DENSER:
        return judged
    needs = (judged.constant_need, judged.persistence_need)
    finer = contexts(longest, [around(tried, steps) for need in needs for steps in (need.low, need.steps, need.high)])
    return Judgement(ridge(points, finer), series.horizon)
