"""Networks with random weights, and what is asked about them."""

from __future__ import annotations

from memspan.engine.seeds import stream
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.task import TaskSpec
from memspan.models import build, model
from tests.contract.variants import fewest_units


def untrained(task: TaskSpec, length: int, kind: str = "lstm", members: int = 1, **fields: object) -> Predictor:
    """A population of a model as it starts; recurrent ones have one unit where nothing else is asked for."""
    asked, signature = model.spec(kind), task.signature(length)
    network = build(asked(**{**fewest_units(asked), **fields}), signature)
    return trained(network, stack([network.initialize(stream(member)) for member in range(members)]), signature)
