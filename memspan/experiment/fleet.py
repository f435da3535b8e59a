"""The fleet: who would train an experiment, and how fast those are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from memspan.engine.placement import Device, Placement

Work = Literal["fused", "torch", "gpu", "probe"]
"""what a worker's time goes into: training by an engine on its processor, on its GPU, or answering probes"""


def work_of(placement: Placement) -> Work:
    """What training a condition counts as."""
    return "gpu" if placement.device == "gpu" else placement.engine


@dataclass(frozen=True)
class Fleet:
    """Workers, and their pace.

    Attributes:
        workers: that train on their processors and answer probes.
        gpu_workers: that train on a GPU.
        pace: how many times as long as the model of cost says a kind of work takes, averaged over the workers; 1 for
            what was never measured.
    """

    workers: int = 1
    gpu_workers: int = 0
    pace: Mapping[Work, float] = field(default_factory=dict)

    def hands(self, device: Device) -> int:
        """How many train on a kind of device; never 0, for a plan may be made before anybody is there."""
        return max(1, self.gpu_workers if device == "gpu" else self.workers)

    def seconds(self, work: Work, modelled: float) -> float:
        """What these workers need for ``modelled`` seconds of the model of cost, each of them alone."""
        return modelled * self.pace.get(work, 1.0)
