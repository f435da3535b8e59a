"""Our attributions beside Captum's, in one process: largest difference and seconds, as JSON.

Runs in the environment that has Captum, with our packages on the path; ``python -m benchmarks.attribution`` starts it.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from captum.attr import IntegratedGradients, Occlusion, Saliency
from torch import Tensor

from memspan.attribution.input_gradients import input_gradients
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.engine.seeds import stream
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.task import TaskSpec
from memspan.models import build, model
from memspan.probes.integrated_gradients import integrated
from memspan.probes.occlusion import occluded, windows
from memspan.tasks import sample, task

CASES = [("first_last", "lstm", 1), ("latch", "lstm", 8), ("latch", "gru", 8), ("first_last", "rnn", 8)]
"""task, model, units"""
LENGTH, SEQUENCES, NODES = 100, 100, 50
WINDOW, STRIDE = 3, 2
MEMBERS = 30
SPREAD = 1.5
"""initial weights are scaled up, so that answers bend between zero and the input as trained ones do"""
Attribute = Callable[[Predictor], Tensor]
"""A population's attributions, (M, B, T, C)"""


@dataclass(frozen=True)
class Question:
    """Some sequences and the answer that is attributed."""

    batch: Batch
    selected: SelectedAnswer

    @property
    def target(self) -> Tensor | int:
        """As Captum names it: each sequence's class, or the regression's output."""
        return self.batch.targets if self.batch.targets.dtype == torch.int64 else 0

    @property
    def places(self) -> list[slice]:
        return windows(LENGTH, WINDOW, STRIDE)


def ours(asked: Question) -> dict[str, Attribute]:
    """All members at once."""
    batch, selected = asked.batch, asked.selected

    def lost(hidden: Tensor, whole: Tensor, targets: Tensor) -> Tensor:
        return selected.number(whole, targets) - selected.number(hidden, targets)

    def hidden(models: Predictor) -> Tensor:
        nothing = torch.zeros_like(batch.inputs)
        return occluded(models, batch, nothing, asked.places, lost, selected.signature).unsqueeze(-1)

    return {
        "input_gradient": lambda models: input_gradients(models, batch, selected).abs(),
        "integrated_gradients": lambda models: integrated(models, batch, selected, NODES),
        "occlusion": hidden,
    }


def theirs(asked: Question) -> dict[str, Attribute]:
    """Captum knows one model at a time."""
    inputs, target = asked.batch.inputs, asked.target
    shape = (WINDOW, inputs.shape[2])

    def each(attribute: Callable[[Callable[[Tensor], Tensor]], Tensor]) -> Attribute:
        def together(models: Predictor) -> Tensor:
            return torch.stack([attribute(partial(_answer, one)) for one in apart(models)])

        return together

    return {
        "input_gradient": each(lambda f: Saliency(f).attribute(inputs.clone(), target=target)),
        "integrated_gradients": each(lambda f: IntegratedGradients(f).attribute(inputs, target=target, n_steps=NODES)),
        "occlusion": each(
            lambda f: Occlusion(f).attribute(inputs, shape, strides=(STRIDE, shape[1]), target=target).detach()
        ),
    }


def _answer(one: Predictor, x: Tensor) -> Tensor:
    """What a single model says."""
    return one.answer(x)[0]


def apart(models: Predictor) -> list[Predictor]:
    """Each member as a model of its own."""
    internals = models.internals
    assert internals is not None
    rows = [
        {name: weight[row : row + 1] for name, weight in internals.weights.items()} for row in range(models.members)
    ]
    return [trained(internals.network, row, internals.signature) for row in rows]


def population(asked: TaskSpec, kind: str, size: int) -> Predictor:
    """Models as they start, their weights scaled up."""
    signature = asked.signature(LENGTH)
    network = build(model.spec(kind).model_validate({"kind": kind, "hidden_size": size}), signature)
    weights = stack([network.initialize(stream(member)) for member in range(MEMBERS)])
    return trained(network, {name: SPREAD * weight for name, weight in weights.items()}, signature)


def timed(attribute: Attribute, models: Predictor) -> tuple[Tensor, float]:
    """Attributions and the seconds that they took, the faster of two goes."""
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        found = attribute(models)
        seconds.append(time.perf_counter() - start)
    return found, min(seconds)


def main() -> None:
    """Print one JSON object for each case and method."""
    torch.set_num_threads(1)
    for kind, network, size in CASES:
        spec = task.spec(kind).model_validate({"kind": kind})
        signature = spec.signature(LENGTH)
        asked = Question(sample(spec, LENGTH, SEQUENCES, stream(1)), SelectedAnswer(signature, LENGTH - 1))
        models = population(spec, network, size)
        methods = theirs(asked)
        for name, attribute in ours(asked).items():
            mine, seconds = timed(attribute, models)
            other, peer_seconds = timed(methods[name], models)
            found = {
                "case": f"{kind}, {network}({size})",
                "method": name,
                "difference": float((mine - other).abs().max()),
                "largest": float(other.abs().max()),
                "seconds": seconds,
                "peer_seconds": peer_seconds,
            }
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
