"""Probes: each asks trained models one question. ``measure(spec, model, task, length, rng) -> Reading``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import ProbeSpec
from memspan.interfaces.readings import Reading
from memspan.interfaces.task import TaskSpec
from memspan.registry import Family

probe: Family[ProbeSpec] = Family("probe", __name__)
probe.discover(__path__)

if TYPE_CHECKING:
    AnyProbe = ProbeSpec
else:
    AnyProbe: Any = probe.union()


def measure(spec: ProbeSpec, model: Predictor, task: TaskSpec, length: int, rng: torch.Generator) -> Reading:
    """Ask the members of ``model`` the probe's question about sequences of a task."""
    reading: Reading = probe.verb(spec)(spec, model, task, length, rng)
    return reading
