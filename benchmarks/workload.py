"""What an engine or a peer is asked to train: plain numbers that travel to another process as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Workload:
    """Models of one shape on sequences of one shape.

    Attributes:
        cell: rnn, lstm or gru.
        sizes: units of each layer, from the input upwards.
        steps: optimiser steps that are timed.
        score_size: sequences that are scored, timed too.
        outputs: classes; 1 is a number under squared error.
        fresh: new sequences at every step, drawn inside the loop.
    """

    cell: str
    sizes: tuple[int, ...]
    length: int
    batch: int
    repeats: int
    steps: int
    train_size: int = 8_000
    score_size: int = 2_000
    outputs: int = 2
    activation: str = "tanh"
    fresh: bool = False


def written(loads: Sequence[Workload]) -> str:
    return json.dumps([asdict(load) for load in loads])


def read(text: str) -> list[Workload]:
    return [Workload(**each | {"sizes": tuple(each["sizes"])}) for each in json.loads(text)]
