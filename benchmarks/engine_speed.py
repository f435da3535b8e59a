"""How fast the fused engine takes optimiser steps, and scores, on one core."""

import time
from collections.abc import Iterator
from typing import Any

import torch

from memspan.engine.condition import Condition
from memspan.engine.datasets import split
from memspan.engine.denormals import denormals_flushed
from memspan.engine.events import Event, Stepped
from memspan.engine.fused.backend import Fused
from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.experiment.grid import conditions
from memspan.experiment.run import parse


def condition(task: dict[str, Any], model: dict[str, Any], length: int, batch: int, **training: Any) -> Condition:
    """One condition of a study of its own."""
    sizes = {"train_size": 500 * batch, "validation_size": 2_000, "test_size": 10, "epochs": 1_000} | training
    body = {"tasks": [task], "models": [model], "lengths": [length], "training": {"batch_size": batch, **sizes}}
    return conditions(parse(body))[0]


def step_milliseconds(asked: Condition, members: int, seconds: float) -> float:
    """Core-ms of an optimiser step of one member of a stack: the fastest slice of those that fit in some seconds."""
    trainer = _fused(asked, members)
    events, end, found = trainer.events(), time.perf_counter() + seconds, list[float]()
    next(events)  # draws the data
    while not found or time.perf_counter() < end:
        found += _slice(trainer, events, members)
    return min(found)


def _slice(trainer: Trainer, events: Iterator[Event], members: int) -> list[float]:
    """Core-ms of a step in one slice of steps; nothing if it was no slice but the end of an epoch."""
    _, first = trainer.position
    begun = time.process_time()
    event = next(events)
    spent = time.process_time() - begun
    steps = trainer.position[1] - first
    return [1000 * spent / (steps * members)] if isinstance(event, Stepped) else []


def score_milliseconds(asked: Condition, members: int, rounds: int = 5) -> float:
    """Core-ms to score the validation set with one member of a stack."""
    trainer = _fused(asked, members)
    data, found = split(asked).validation, []
    with denormals_flushed():
        for _ in range(rounds + 1):
            begun = time.process_time()
            while trainer._scoring.go_on(trainer._backend, trainer._rows, data):
                pass
            trainer._scoring.done()
            found.append(1000 * (time.process_time() - begun) / members)
    return min(found[1:])


def _fused(asked: Condition, members: int) -> Trainer:
    torch.set_num_threads(1)
    trainer = Trainer(place(asked, engine="fused"), range(members))
    if not isinstance(trainer._backend, Fused):
        raise RuntimeError(f"the fused engine does not serve {asked.model}")
    return trainer
