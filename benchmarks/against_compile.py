"""One training step of a stack of repeats as torch's own operations, one by one or compiled by torch.compile, one core.

``python -m benchmarks.against_compile`` reads workloads from standard input and prints a line of JSON for each: seconds
until the first compiled step is done, and milliseconds of a step of one model, compiled and not. Time is unrolled, as
torch.compile does with a loop in Python.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from benchmarks.workload import Workload, read
from memspan.engine.seeds import stream
from memspan.interfaces.network import stack
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM

SPECS = {"lstm": LSTM, "gru": GRU}
Loss = Callable[[Mapping[str, Tensor], Tensor, Tensor], Tensor]


def measured(load: Workload) -> dict[str, float]:
    signature = Signature(load.length, 1, load.outputs, Problem.CLASSIFICATION)
    network = build(SPECS[load.cell](hidden_size=load.sizes[0]), signature)
    drawn = stack([network.initialize(stream("weights", member)) for member in range(load.repeats)])
    inputs = torch.randn(load.repeats, load.batch, load.length, 1)
    targets = torch.randint(0, load.outputs, (load.repeats, load.batch))

    def loss(weights: Mapping[str, Tensor], x: Tensor, wanted: Tensor) -> Tensor:
        outputs = network.forward(weights, x)
        return torch.nn.functional.cross_entropy(outputs.flatten(0, 1), wanted.flatten(), reduction="sum") / load.batch

    def step(how: Loss) -> Callable[[], None]:
        weights = {name: each.clone().requires_grad_() for name, each in drawn.items()}
        optimizer = torch.optim.Adam(weights.values(), fused=True)

        def once() -> None:
            optimizer.zero_grad()
            how(weights, inputs, targets).backward()
            optimizer.step()

        return once

    compiled = step(torch.compile(loss))
    begun = time.perf_counter()
    compiled()
    first = time.perf_counter() - begun
    plain_ms, compiled_ms = (fastest(each, load.steps) / load.repeats for each in (step(loss), compiled))
    return {"first_s": first, "step_ms": compiled_ms, "plain_ms": plain_ms}


def fastest(action: Callable[[], None], times: int) -> float:
    """Milliseconds of the fastest of some calls."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        action()
        found.append(1000 * (time.perf_counter() - begun))
    return min(found)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as empty:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = empty  # else the second run would find what the first one compiled
        for load in read(sys.stdin.read()):
            print(json.dumps(measured(load)), flush=True)
