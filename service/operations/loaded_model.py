"""A model ready to answer."""

from dataclasses import dataclass

from memspan.engine.condition import Condition
from memspan.experiment.stepping import Stepping
from memspan.interfaces.predictor import Predictor


@dataclass(frozen=True)
class LoadedModel:
    """A checkpoint's weights as a predictor (M = 1) of its condition.

    Attributes:
        sha256: of the weights.
        stepping: the same step by step; None where it keeps no state that could be handed on.
    """

    predictor: Predictor
    condition: Condition
    any_length: bool
    bytes: int
    sha256: str
    stepping: Stepping | None
