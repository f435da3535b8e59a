"""A study in an answer: what it asks, and what was found, as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from memspan.claims.study import StudySpec
from memspan.claims.verdict import Judgement
from memspan.interfaces.numbers import jsonable


def document(study: type[StudySpec], judgements: Iterable[Judgement]) -> dict[str, Any]:
    """The study's question and claims with their verdicts, as JSON may hold them."""
    return {
        "kind": study.model_fields["kind"].default,
        "title": study.title,
        "question": study.question,
        "reference": study.reference,
        "explanation": study.explanation,
        "claims": [jsonable(judgement.document()) for judgement in judgements],
    }
