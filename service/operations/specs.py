"""Stored specs, parsed once."""

from functools import lru_cache
from typing import Any, Protocol

from memspan.engine.condition import Condition
from memspan.exchange.imported_spec import OnnxSpec
from memspan.exchange.onnx_model import OnnxModel
from memspan.experiment.grid import conditions
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from service.storage.experiments import ExperimentRecord

ONNX = OnnxModel.model_fields["kind"].default
UNLIMITED = Limits(*[2**62] * len(Limits.__dataclass_fields__))
"""what was accepted once stays readable when the caps shrink"""


class OfCondition(Protocol):
    """A record of something that belongs to a condition: a run, a checkpoint, a probe."""

    @property
    def experiment_key(self) -> int: ...
    @property
    def experiment_spec(self) -> dict[str, Any]: ...
    @property
    def condition(self) -> int: ...


def spec_of(experiment: ExperimentRecord) -> ExperimentSpec:
    """The spec of an experiment."""
    return _parsed(_Stored(experiment.key, experiment.spec))


def grid_of(experiment: ExperimentRecord) -> tuple[Condition, ...]:
    """The conditions of an experiment, in the order of its grid."""
    return _grid(_Stored(experiment.key, experiment.spec))


def condition_of(record: OfCondition) -> Condition:
    """The condition that something belongs to."""
    return _grid(_Stored(record.experiment_key, record.experiment_spec))[record.condition]


def whole_spec_of(record: OfCondition) -> ExperimentSpec:
    """The spec of the experiment that something belongs to."""
    return _parsed(_Stored(record.experiment_key, record.experiment_spec))


class _Stored:
    """A spec as JSON data that can be looked up in a cache by its experiment's key, which is never used twice."""

    def __init__(self, key: int, data: dict[str, Any]) -> None:
        self.key, self.data = key, data

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Stored) and other.key == self.key and other.data == self.data


@lru_cache(maxsize=512)
def _parsed(stored: _Stored) -> ExperimentSpec:
    imported = any(model["kind"] == ONNX for model in stored.data["models"])
    return (OnnxSpec if imported else ExperimentSpec).model_validate(stored.data, context={"limits": UNLIMITED})


@lru_cache(maxsize=128)
def _grid(stored: _Stored) -> tuple[Condition, ...]:
    return conditions(_parsed(stored))
