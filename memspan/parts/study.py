"""The base of all study specs."""

from __future__ import annotations

from memspan.parts.spec import PartSpec


class StudySpec(PartSpec):
    """A question from the literature, the experiments that answer it, and the claims to judge."""
