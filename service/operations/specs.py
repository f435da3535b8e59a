"""Stored specs, parsed once."""

from functools import lru_cache
from typing import Any

from memspan.engine.population import Condition
from memspan.experiment.grid import conditions
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits

UNLIMITED = Limits(*[2**62] * len(Limits.__dataclass_fields__))
"""what was accepted once stays readable when the caps shrink"""


class StoredSpec:
    """A spec as JSON data that can be looked up in a cache by its experiment's key, which is never used twice."""

    def __init__(self, key: int, data: dict[str, Any]) -> None:
        self.key, self.data = key, data

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoredSpec) and other.key == self.key and other.data == self.data


@lru_cache(maxsize=512)
def parsed(stored: StoredSpec) -> ExperimentSpec:
    """The spec of an experiment."""
    return ExperimentSpec.model_validate(stored.data, context={"limits": UNLIMITED})


@lru_cache(maxsize=128)
def grid(stored: StoredSpec) -> tuple[Condition, ...]:
    """The conditions of an experiment, in the order of its grid."""
    return conditions(parsed(stored))
