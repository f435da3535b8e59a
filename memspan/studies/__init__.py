"""Studies: each file is one question with its experiments, its claims and their thresholds."""

from __future__ import annotations

from memspan.parts.study import StudySpec
from memspan.registry import Family

study: Family[StudySpec] = Family("study", __name__)
study.discover(__path__)
