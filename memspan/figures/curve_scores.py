"""What a curve as a whole comes to, such as its area under the ROC curve or an effective context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from memspan.figures.document import Part

ENDS = ("_low", "_high")


@dataclass(frozen=True, slots=True)
class Score:
    """A number with its interval as the document has them: null where there is none, words where it isn't finite."""

    name: str
    value: Any
    low: Any
    high: Any

    @property
    def words(self) -> str:
        """Its name as it is shown."""
        return self.name.replace("_", " ")


def curve_scores(result: Part) -> list[Score]:
    """The scores of a curve, in their order; ends of intervals stand with the score that they belong to."""
    given: Part = result.get("scores") or {}
    return [
        Score(name, value, *(given.get(name + end) for end in ENDS))
        for name, value in given.items()
        if not _end(name, given)
    ]


def _end(name: str, given: Part) -> bool:
    """Whether a name is the end of another score's interval."""
    return any(name.endswith(end) and name.removesuffix(end) in given for end in ENDS)
