"""Comparisons over experiments in answers."""

from typing import Any

from pydantic import Field

from service.schemas.number import Answer
from service.schemas.results import ComparisonResult, RankingResult


class Compared(Answer):
    """One of the experiments."""

    id: str
    name: str
    state: str


class Difference(Answer):
    """A field in which specs differ."""

    pointer: str = Field(description="where in the spec")
    values: dict[str, Any] = Field(description="by the experiment's id; null where it has no such field")


class Comparisons(Answer):
    """Every two models on a task; `a` and `b` name their experiment, too."""

    experiments: list[Compared]
    differences: list[Difference] = Field(description="all but names, labels and priorities")
    comparisons: list[ComparisonResult]
    rankings: list[RankingResult]
