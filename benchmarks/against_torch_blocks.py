"""Today's models on recall as torch's own operations in their parallel forms, one by one or by torch.compile, one core.

``python -m benchmarks.against_torch_blocks how FILE ...`` reads what ``benchmarks.recall`` wrote, with ``how`` eager or
compile, and prints a line of JSON for each: the loss of the first batch, seconds until the first step is done, and
processor milliseconds of a step with torch's fused Adam. The equations are ours, without our engine: no compiled loops,
no stack.
"""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.recall_models import LENGTH, SPECS, TASK
from memspan.models import build


def measured(how: str, file: Path) -> dict[str, float]:
    stored = {name: torch.from_numpy(each) for name, each in np.load(file).items()}
    batches = [stored.pop(f"/{name}") for name in ("tokens", "steps", "targets")]
    spec = next(spec for spec in SPECS if spec.kind == file.stem)
    network = build(spec, TASK.signature(LENGTH))
    weights = {name: each.unsqueeze(0).requires_grad_() for name, each in stored.items()}
    optimizer = torch.optim.Adam(weights.values(), fused=True)

    def loss(weights: Mapping[str, Tensor], tokens: Tensor, steps: Tensor, targets: Tensor) -> Tensor:
        outputs = network.answer_at(weights, tokens[None, ..., None].float(), steps[None])
        return torch.nn.functional.cross_entropy(outputs.flatten(0, 2), targets.flatten())

    asked = torch.compile(loss) if how == "compile" else loss

    def step(place: int) -> float:
        optimizer.zero_grad()
        value = asked(weights, *(each[place] for each in batches))
        value.backward()
        optimizer.step()
        return float(value.detach())

    begun = time.perf_counter()
    first, started = step(0), 0.0
    started = time.perf_counter() - begun
    times = []
    for place in range(1, len(batches[0])):
        begun = time.process_time()
        step(place)
        times.append(1000 * (time.process_time() - begun))
    fastest = sorted(times)[: max(1, len(times) // 3)]
    return {"loss": first, "first_s": started, "step_ms": sum(fastest) / len(fastest)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for name in sys.argv[2:]:
        print(json.dumps(measured(sys.argv[1], Path(name))), flush=True)
