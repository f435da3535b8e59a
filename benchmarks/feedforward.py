"""Feed-forward models: one stacked program against torch's own layers, one model after another, on one core."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from benchmarks.report import Figure, quantile, table
from memspan.engine.condition import Condition
from memspan.engine.events import Event
from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.experiment.grid import conditions
from memspan.experiment.run import parse

WIDTHS = (50, 100, 150, 100, 50)
BATCH = 32
STACKS = (1, 2, 4, 5, 8, 10, 16, 32)
REPEATS = 10
ROUNDS = 3
STEPS = 60
WARM_UP = 5


@dataclass(frozen=True)
class Case:
    """A model on a task, and the same in torch's layers."""

    name: str
    model: dict[str, Any]
    task: dict[str, Any]
    length: int | None
    peer: Callable[[], nn.Module]
    goals: tuple[str, str] = ("", "")

    def condition(self) -> Condition:
        body: dict[str, Any] = {"tasks": [self.task], "models": [self.model], "repeats": max(STACKS)}
        sizes = {"train_size": 10_000, "validation_size": 10, "test_size": 10}
        body["training"] = {"epochs": 1, "batch_size": BATCH, **sizes}
        return conditions(parse(body | ({"lengths": [self.length]} if self.length else {})))[0]


class Level(nn.Module):
    """Two weight-normalised dilated causal convolutions and a shortcut, as locuslab/TCN has them."""

    def __init__(self, below: int, channels: int, size: int, dilation: int) -> None:
        super().__init__()
        past = nn.ConstantPad1d(((size - 1) * dilation, 0), 0.0)
        self.path = nn.Sequential(
            past, weight_norm(nn.Conv1d(below, channels, size, dilation=dilation)), nn.ReLU(),
            past, weight_norm(nn.Conv1d(channels, channels, size, dilation=dilation)), nn.ReLU(),
        )  # fmt: skip
        self.shortcut = nn.Identity() if below == channels else nn.Conv1d(below, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.path(x) + self.shortcut(x))


class LastStep(nn.Module):
    """(B, C, T) -> (B, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x[..., -1]


class Channels(nn.Module):
    """(B, T, C) -> (B, C, T)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


def mlp() -> nn.Module:
    sizes = zip((10, *WIDTHS), WIDTHS, strict=False)
    hidden = [layer for below, size in sizes for layer in (nn.Linear(below, size), nn.Tanh())]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(WIDTHS[-1], 1))


def cnn() -> nn.Module:
    convolved = (Channels(), nn.Conv1d(1, 3, 69), nn.Softplus(), nn.Flatten())
    return nn.Sequential(*convolved, nn.Linear(3, 2), nn.Softplus(), nn.Linear(2, 1))


def tcn() -> nn.Module:
    levels = (Level(16 if i else 1, 16, 5, 2**i) for i in range(5))
    return nn.Sequential(Channels(), *levels, LastStep(), nn.Linear(16, 1))


CASES = (
    Case("MLP 50-100-150-100-50, 10 features", {"kind": "mlp", "hidden_size": WIDTHS}, {"kind": "regression"}, None,
         mlp, (">= 1.0x", ">= 2x")),
    Case("full-width convolution, T = 69", {"kind": "cnn"}, {"kind": "first_last"}, 69, cnn, ("", "> 1x")),
    Case("TCN 5 x 16, kernel 5, T = 100", {"kind": "tcn", "levels": 5}, {"kind": "first_last"}, 100, tcn, ("", "> 1x")),
)  # fmt: skip


def main() -> str:
    """Milliseconds of an optimiser step of one run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        figures = [figure for case in CASES for figure in rows(case)]
    finally:
        torch.set_num_threads(before)
    return table(f"Feed-forward models, one optimiser step of batch {BATCH}, one core", figures)


def rows(case: Case) -> Iterator[Figure]:
    """One model, then ten repeats in stacks as wide as the engine makes them, then other widths."""
    condition = case.condition()
    theirs, ours = measured(case, condition)
    width = place(condition).width
    stacks = -(-REPEATS // width) * width / REPEATS  # places for each repeat, the padded ones too
    each = ours[width] * stacks
    yield Figure(f"{case.name}: torch's layers, eager", f"{theirs:.3f} ms")
    yield Figure("the same here, one model", f"{ours[1]:.3f} ms: {theirs / ours[1]:.1f}x", case.goals[0])
    yield Figure(f"{REPEATS} repeats in stacks of {width}, each", f"{each:.3f} ms: {theirs / each:.1f}x", case.goals[1])
    yield Figure("each run of a full stack, by width", ", ".join(f"{w}: {ours[w]:.3f}" for w in STACKS))


def measured(case: Case, condition: Condition) -> tuple[float, dict[int, float]]:
    """Milliseconds of a step: torch's, and ours of one run by the width of its stack; the best of some rounds."""
    theirs, ours = [], {width: list[float]() for width in STACKS}
    for _ in range(ROUNDS):
        theirs.append(eager(case.peer(), condition))
        for width in STACKS:
            ours[width].append(stacked(condition, width) / width)
    return min(theirs), {width: min(found) for width, found in ours.items()}


def stacked(condition: Condition, width: int) -> float:
    """Milliseconds of a step of ``width`` runs side by side."""
    placement = replace(place(condition, engine="torch"), width=width)
    events: Iterator[Event] = Trainer(placement, range(width)).events()
    return fastest(lambda: next(events))


def eager(network: nn.Module, condition: Condition) -> float:
    """Milliseconds of a step as one would write it: shuffled batch, forward, backward, Adam."""
    signature = condition.signature
    inputs = torch.randn(10_000, signature.length, signature.channels)
    targets, optimizer = torch.randn(10_000, signature.outputs), torch.optim.Adam(network.parameters())
    batches = iter(torch.randperm(10_000).split(BATCH))

    def step() -> None:
        chosen = next(batches)
        loss = nn.functional.mse_loss(network(inputs[chosen]), targets[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return fastest(step)


def fastest(step: Callable[[], object]) -> float:
    """Milliseconds of the fastest tenth: others share the machine."""
    for _ in range(WARM_UP):
        step()
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - start))
    return quantile(times, 0.1)


if __name__ == "__main__":
    print(main())
