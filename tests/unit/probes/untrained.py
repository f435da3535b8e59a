"""Networks with random weights, and what is asked about them."""

from __future__ import annotations

from memspan.engine.seeds import stream
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.task import TaskSpec
from memspan.models import build, model


def untrained(task: TaskSpec, length: int, kind: str = "lstm", members: int = 1, **fields: object) -> Predictor:
    """A population of a model as it starts."""
    signature = task.signature(length)
    network = build(model.spec(kind)(**fields), signature)
    return trained(network, stack([network.initialize(stream(member)) for member in range(members)]), signature)
