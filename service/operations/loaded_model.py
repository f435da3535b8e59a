"""A model ready to answer."""

from dataclasses import dataclass

from memspan.engine.condition import Condition
from memspan.interfaces.predictor import Predictor


@dataclass(frozen=True)
class LoadedModel:
    """A checkpoint's weights as a predictor (M = 1) of its condition."""

    predictor: Predictor
    condition: Condition
    any_length: bool
    bytes: int
