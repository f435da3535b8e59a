"""Untrained models of any kind, as predictors."""

from __future__ import annotations

from typing import Any

from memspan.engine.seeds import stream
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.task import TaskSpec
from memspan.models import build, model
from tests.contract.variants import fewest_units


def population(kind: str, task: TaskSpec, length: int, members: int = 1, **fields: Any) -> Predictor:
    """So many models of one kind with different weights; recurrent ones have one unit where nothing else is asked."""
    asked, signature = model.spec(kind), task.signature(length)
    network = build(asked(**{**fewest_units(asked), **fields}), signature)
    return trained(network, stack([network.initialize(stream(seed)) for seed in range(members)]), signature)
