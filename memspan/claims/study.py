"""The base of all study specs."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from memspan.claims.claim import Claim
from memspan.interfaces.spec import PartSpec, Whole

Scale = Literal["quick", "full", "published"]
SCALES = "quick: within a minute on 2 cores; full: the sizes that the claims are about"
PUBLISHED = "published: those of the source, for a GPU, where a study has them"


class StudySpec(PartSpec):
    """A question from the literature, bound to ``experiments(spec) -> {name: ExperimentSpec}`` that answer it.

    Claims and thresholds are fixed in the study's file before anything is run; what is changed later is amended.

    Attributes:
        question: in one sentence.
        explanation: the answer's why, in two sentences for a student.
        claims: in the order in which they are shown.
    """

    question: ClassVar[str]
    explanation: ClassVar[str]
    claims: ClassVar[tuple[Claim, ...]]

    scale: Annotated[Literal["quick", "full"], Field(description=SCALES)] = "quick"
    seed: Annotated[Whole, Field(ge=0, le=2**53 - 1, description="everything random follows from it")] = 0

    @classmethod
    def scales(cls) -> tuple[Scale, ...]:
        """Those that it can be run at, the smallest first."""
        return get_args(cls.model_fields["scale"].annotation)


class PublishedStudySpec(StudySpec):
    """A study that can also be run at the sizes of its source, which take a GPU."""

    scale: Annotated[Scale, Field(description=f"{SCALES}; {PUBLISHED}")] = "quick"  # type: ignore[assignment]
