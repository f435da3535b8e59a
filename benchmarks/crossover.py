"""Up to which size the fused loop beats torch's products: what the table of the engine's choice rests on."""

import time
from dataclasses import replace
from unittest import mock

import torch

from benchmarks.engine_speed import condition
from benchmarks.report import Figure, table
from memspan.engine.condition import Condition
from memspan.engine.events import Stepped
from memspan.engine.fused import scope
from memspan.engine.placement import EngineName, place
from memspan.engine.trainer import Trainer

SIZES = {"rnn": (24, 32, 48, 64, 80), "lstm": (24, 32, 48, 64), "gru": (24, 32, 48, 64)}
BATCHES = (16, 128)
LENGTH = 50
STEPS = 200
"""of an epoch; a slice of some of them is timed"""
CALLS = {"fused": 4, "torch": 25}


def main() -> str:
    """Core-ms of an optimiser step of one model in either engine."""
    torch.set_num_threads(1)
    figures = []
    with mock.patch.object(scope, "CROSSOVER", dict.fromkeys(scope.CROSSOVER, max(map(max, SIZES.values())))):
        for kind, sizes in SIZES.items():
            for size in sizes:
                figures.append(Figure(f"{kind}({size})", ", ".join(_told(kind, size, batch) for batch in BATCHES)))
    return table(f"Fused loop against torch's products, T = {LENGTH}, one model, one core", figures)


def _told(kind: str, size: int, batch: int) -> str:
    asked = condition({"kind": "latch"}, {"kind": kind, "hidden_size": size}, LENGTH, batch, train_size=STEPS * batch)
    fused, eager = (milliseconds(asked, engine) for engine in ("fused", "torch"))
    return f"batch {batch}: {fused:.2f} and {eager:.2f} core-ms ({eager / fused:.2f}x)"


def milliseconds(asked: Condition, engine: EngineName) -> float:
    """Core-ms of a step, in the fastest slice of some."""
    run = Trainer(replace(place(asked, engine=engine), width=1), (0,))
    events, found = run.events(), list[float]()
    next(events)  # draws the data
    for _ in range(CALLS[engine]):
        first, begun = run.position[1], time.process_time()
        if isinstance(next(events), Stepped):
            found.append(1000 * (time.process_time() - begun) / (run.position[1] - first))
    return min(found)


if __name__ == "__main__":
    print(main())
