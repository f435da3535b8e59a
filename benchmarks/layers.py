"""Large recurrent layers: forward and backward against torch's own layers, one model after another, on one core."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from benchmarks.report import Figure, table
from memspan.engine.denormals import denormals_flushed
from memspan.engine.hybrid.runner import hybrid
from memspan.engine.seeds import stream
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network, stack
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN

BATCH = 128
REPEATS = 4
ROUNDS = 5
CALLS = 6
MODELS: dict[str, tuple[type[ModelSpec], type[nn.Module]]] = {
    "LSTM": (LSTM, nn.LSTM),
    "GRU": (GRU, nn.GRU),
    "RNN": (RNN, nn.RNN),
}
OUTPUTS = 10


@dataclass(frozen=True)
class Case:
    """A layer of H units over T steps of I channels."""

    kind: str
    size: int
    length: int
    channels: int

    def __str__(self) -> str:
        return f"{self.kind}({self.size}), T = {self.length}, {self.channels} in"

    def network(self) -> Network:
        signature = Signature(self.length, self.channels, OUTPUTS, Problem.REGRESSION)
        return build(
            MODELS[self.kind][0].model_validate({"kind": self.kind.lower(), "hidden_size": self.size}), signature
        )


CASES = tuple(Case(kind, *shape) for kind in MODELS for shape in ((32, 50, 1), (64, 28, 28)))


def main() -> str:
    """Milliseconds of a step of one model."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with denormals_flushed():
            figures = [figure for case in CASES for figure in rows(case)]
    finally:
        torch.set_num_threads(before)
    return table(f"Large recurrent layers, forward and backward of batch {BATCH}, one core", figures)


def rows(case: Case) -> Iterator[Figure]:
    """torch's layer, ours step by step and hybrid, and some repeats."""
    steps = [theirs(case, 1), plain(case), ours(case, 1), theirs(case, REPEATS), ours(case, REPEATS)]
    nn_one, autograd, one, nn_many, many = fastest(steps)
    yield Figure(f"{case}: torch.nn, one model", f"{nn_one:.2f} ms")
    yield Figure("the same here, step by step by autograd", f"{autograd:.2f} ms: {nn_one / autograd:.2f}x")
    yield Figure("the same here, hybrid", f"{one:.2f} ms: {nn_one / one:.2f}x", ">= 1.0x")
    yield Figure(f"{REPEATS} models, hybrid, all", f"{many:.2f} ms: {nn_many / many:.2f}x", "> 1x")


def ours(case: Case, members: int) -> Callable[[], object]:
    """Forward and backward of a population, as the torch engine does it."""
    network = case.network()
    answer = hybrid(network, False, torch.device("cpu"))
    assert answer is not None
    weights = drawn(network, members)
    inputs = torch.randn(members, BATCH, case.length, case.channels)
    return lambda: torch.autograd.grad(answer(weights, inputs, None).square().sum(), list(weights.values()))


def plain(case: Case) -> Callable[[], object]:
    """The same step by step."""
    network = case.network()
    weights = drawn(network, 1)
    inputs = torch.randn(1, BATCH, case.length, case.channels)
    return lambda: torch.autograd.grad(network.forward(weights, inputs).square().sum(), list(weights.values()))


def drawn(network: Network, members: int) -> dict[str, torch.Tensor]:
    weights = stack([network.initialize(stream("weights", member)) for member in range(members)])
    return {name: weight.requires_grad_() for name, weight in weights.items()}


def theirs(case: Case, members: int) -> Callable[[], object]:
    """torch's layer and read-out, one model after another."""
    kind = MODELS[case.kind][1]
    models = [(kind(case.channels, case.size, batch_first=True), nn.Linear(case.size, OUTPUTS)) for _ in range(members)]
    inputs = torch.randn(BATCH, case.length, case.channels)

    def step() -> None:
        for layer, head in models:
            weights = [*layer.parameters(), *head.parameters()]
            torch.autograd.grad(head(layer(inputs)[0][:, -1]).square().sum(), weights)

    return step


def fastest(steps: list[Callable[[], object]]) -> list[float]:
    """Milliseconds of each, in turns, the least of processor time: others share the machine."""
    times: list[list[float]] = [[] for _ in steps]
    for _ in range(ROUNDS):
        for step, found in zip(steps, times, strict=True):
            step()
            for _ in range(CALLS):
                start = time.process_time()
                step()
                found.append(1000 * (time.process_time() - start))
    return [min(found) for found in times]


if __name__ == "__main__":
    print(main())
