"""The same fifty optimiser steps by either engine."""

from __future__ import annotations

from typing import Any

import torch

from memspan.engine.condition import Condition
from memspan.engine.denormals import denormals_flushed
from memspan.engine.fused.backend import Fused
from memspan.engine.state import Backend
from memspan.engine.torch_engine import TorchEngine
from memspan.interfaces.model import ModelSpec
from memspan.tasks.latch import Latch
from memspan.training import Training
from tests.unit.engine.fused.cells import start, state

STEPS = 50
SEEDS = (11, 12, 13, 14)
SIZES = {"batch_size": 20, "train_size": 17 * 20 + 3, "validation_size": 21, "test_size": 40, "epochs": 4}


def asked(spec: ModelSpec, **how: Any) -> Condition:
    return Condition(Latch(noise=0.3), spec, 12, Training(**{**SIZES, **how}), seed=3)


def walked(condition: Condition, kind: type[Fused] | type[TorchEngine]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Weights after some steps, and the sums of the metrics."""
    population = state(condition, start(condition))
    device = () if kind is Fused else (torch.device("cpu"),)
    backend: Backend = kind(condition, SEEDS, population, *device)  # type: ignore[arg-type]
    per_epoch = condition.training.steps_per_epoch
    with denormals_flushed():
        done = 0
        while done < STEPS:
            done += backend.train(done // per_epoch, done % per_epoch)
    return population.rows, list(population.sums.values())
