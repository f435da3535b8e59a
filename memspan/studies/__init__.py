"""Studies: each file is one question with its experiments, its claims and their thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from memspan.claims.study import StudySpec
from memspan.experiment.matching import resolved
from memspan.experiment.spec import ExperimentSpec
from memspan.registry import Family

study: Family[StudySpec] = Family("study", __name__)
study.discover(__path__)

if TYPE_CHECKING:
    AnyStudy = StudySpec
else:
    AnyStudy: Any = study.union() if study.kinds() else StudySpec


def experiments(spec: StudySpec) -> Mapping[str, ExperimentSpec]:
    """The experiments that answer a study's question at its scale, by name."""
    found: Mapping[str, ExperimentSpec] = study.verb(spec)(spec)
    return {name: resolved(each) for name, each in found.items()}
