"""Attention by lag: how much an answer looks at each earlier step."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Generator, Tensor

from memspan.attribution.answers import Answers
from memspan.attribution.blocks import too_large
from memspan.attribution.one_answer import differs, one_of_each
from memspan.attribution.query_curve import behind
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.dynamics.double_precision import double_precision
from memspan.dynamics.state_probe import LayerIndex, NoInternals, SequenceCount
from memspan.dynamics.tiles import tiles
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Internals, Predictor
from memspan.interfaces.probe import Effort, ProbeSpec
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.layers.causal_attention import CausalAttention
from memspan.probes import probe
from memspan.statistics.ragged_band import ragged_band
from memspan.statistics.scores import mean_scores
from memspan.tasks import sample


class AttentionByLag(ProbeSpec):
    """Read off which share of its attention the last step gives to each step before it, as a mean over heads.

    Where answers are due at steps that differ by sequence, one of each sequence's gives its attention instead, all
    equally likely. Shares add up to 1; even attention is drawn beside them. ``mean_lag`` is how far back it looks on
    average, ``relevant`` the share that falls on the steps which the task says the answer depends on. A share is no
    proof of use: what is looked at may be a vector of nothing, and a block above another one looks at what that one
    mixed.
    """

    title: ClassVar[str] = "Attention by lag"
    reference: ClassVar[str] = "Vaswani et al. (2017), arXiv 1706.03762; Jain & Wallace (2019), arXiv 1902.10186"
    kind: Literal["attention_by_lag"] = "attention_by_lag"
    sequences: SequenceCount = 64
    layer: LayerIndex = -1

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        if task.signature(length).at_end:
            return (
                f"The task {task.kind} is answered by a decoder: {self.kind} finds no attention at its end. Ask "
                "occlusion, context or integrated_gradients."
            )
        large = too_large(task, length, self.sequences)
        if large or network is None:
            return large
        mixers = network.blocks.mixers if network.blocks else ()
        if not any(isinstance(mixer, CausalAttention) for mixer in mixers):
            return f"The probe {self.kind} reads off attention, and this model for {task.kind} has none."
        if not -len(mixers) <= self.layer < len(mixers):
            return (
                f"The probe {self.kind} finds {len(mixers)} blocks in this model for {task.kind}: layer must lie "
                f"between {-len(mixers)} and {len(mixers) - 1}, given {self.layer}."
            )
        return None

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(answers=2 * self.sequences)


@probe(AttentionByLag)
def measure(spec: AttentionByLag, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """Shares of the attention of the step that answers, by lag, 0 that step itself.

    Units:
        lags in steps; shares of 1.
    """
    if model.internals is None or model.internals.network.blocks is None:
        raise NoInternals(spec.kind)
    batch, signature = sample(task, length, spec.sequences, rng), task.signature(length)
    selected = SelectedAnswer(signature, signature.length - 1, marked=differs(task, length))
    batch = one_of_each(batch, rng) if selected.marked else batch
    answers = Answers(task, length, batch, selected)
    steps = answers.steps
    shares = shares_at(model.internals, spec.layer, batch.inputs, steps)  # (M, B, T)
    by_lag, there = behind(shares, steps)
    reached = there.any(0)
    by_lag, there = by_lag[..., reached], there[:, reached].double()
    found = ragged_band(by_lag.numpy(), there.numpy())
    y, low, high = (tuple(part.tolist()) for part in (found.value, found.low, found.high))
    told = {"mean_lag": (by_lag * torch.arange(len(y))).sum(-1), "relevant": (shares * relevance(answers)).sum(-1)}
    scores = {key: value for name, each in told.items() for key, value in _scores(name, each).items()}
    even = (there / (steps + 1).unsqueeze(1)).sum(0) / there.sum(0)
    words = ("lag", "share of attention", "steps", "1")
    baseline = tuple(even.tolist()) if selected.marked else 1 / len(y)
    return Curve(tuple(range(len(y))), y, low, high, found.n, *words, baseline=baseline, scores=scores)


def relevance(answers: Answers) -> Tensor:
    """Which steps the answers depend on, (B, T) or (T,), 1 or 0."""
    if answers.task.tells_lags:
        return answers.relevant.double()
    mask = torch.zeros(answers.selected.signature.length, dtype=torch.float64)
    mask[list(answers.task.relevant_steps(answers.length))] = 1
    return mask


def _scores(name: str, each: Tensor) -> dict[str, float | None]:
    """The mean over sequences of each member (M, B)."""
    return mean_scores(name, np.asarray(each.mean(1)))


@torch.no_grad()
def shares_at(internals: Internals, layer: int, inputs: Tensor, own: Tensor) -> Tensor:
    """What a step of each sequence (B,) looks at, mean over heads, (M, B, T) with the first step first."""
    blocks, members = internals.network.blocks, len(next(iter(internals.weights.values())))
    if blocks is None or not isinstance(mixer := blocks.mixers[layer], CausalAttention):
        raise NoInternals("attention_by_lag")
    found = torch.empty(members, *inputs.shape[:2], dtype=torch.float64)
    steps = inputs.shape[1]
    for some, sequences in tiles(members, len(inputs), steps * max(steps * mixer.heads, 4 * mixer.size)):
        weights = double_precision(internals, some)
        shown = inputs[sequences].to(next(iter(weights.values())))
        seen = blocks.seen(weights, shown.expand(len(next(iter(weights.values()))), *shown.shape))[layer]
        shares = mixer.attention(blocks.own(weights, layer % len(blocks.mixers)), seen)  # (M, B, h, T, T)
        at = own[sequences].to(shares.device).view(1, -1, 1, 1, 1).expand(*shares.shape[:3], 1, steps)
        found[some, sequences] = shares.gather(3, at).squeeze(3).mean(2).cpu()
    return found
