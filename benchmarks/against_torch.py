"""torch's own layers as its users write it: one model after another, eager, one thread.

``python -m benchmarks.against_torch`` reads workloads from standard input and prints a line of JSON for each:
milliseconds of an optimiser step of one model, and to score ``score_size`` sequences.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from benchmarks.workload import Workload, read

LAYER = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
WARM_UP = 3


class Stacked(nn.Module):
    """Recurrent layers and a read-out of the last step."""

    def __init__(self, load: Workload) -> None:
        super().__init__()
        below = (1, *load.sizes[:-1])
        kind = LAYER[load.cell]
        self.layers = nn.ModuleList(kind(i, h, batch_first=True) for i, h in zip(below, load.sizes, strict=True))
        self.read_out = nn.Linear(load.sizes[-1], load.outputs)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x, _ = layer(x)
        answer: Tensor = self.read_out(x[:, -1])
        return answer


def measured(load: Workload) -> dict[str, float]:
    model, inputs = Stacked(load), torch.randn(load.train_size, load.length, 1)
    targets = torch.randint(0, load.outputs, (load.train_size,))
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7)
    batches = _batches(load)

    def step() -> None:
        chosen = next(batches)
        outputs = model(inputs[chosen])
        loss = nn.functional.cross_entropy(outputs, targets[chosen]) if load.outputs > 1 else outputs.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def score() -> None:
        with torch.inference_mode():
            model(inputs[: load.score_size])

    return {"step_ms": fastest(step, load.steps), "score_ms": fastest(score, 3)}


def _batches(load: Workload) -> Iterator[Tensor]:
    while True:
        yield from torch.randperm(load.train_size).split(load.batch)


def fastest(action: Callable[[], object], times: int) -> float:
    """Milliseconds of the fastest third, on average: others share the machine."""
    found = []
    for _ in range(times + WARM_UP):
        start = time.perf_counter()
        action()
        found.append(1000 * (time.perf_counter() - start))
    best = sorted(found[WARM_UP:])[: max(1, times // 3)]
    return sum(best) / len(best)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for load in read(sys.stdin.read()):
        print(json.dumps(measured(load)), flush=True)
