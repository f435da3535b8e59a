"""State gradient: how strongly the answer's loss still depends on a state, by lag."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Generator, Tensor

from memspan.attribution.one_answer import differs, one_of_each
from memspan.attribution.query_curve import behind
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.attribution.token_gradients import KERNEL
from memspan.dynamics.block_system import BlockSystem
from memspan.dynamics.double_precision import double_precision
from memspan.dynamics.inner_states import system_of
from memspan.dynamics.recorder import recorded
from memspan.dynamics.sequence_losses import sequence_losses
from memspan.dynamics.state_probe import StateProbe, inner
from memspan.dynamics.tiles import TAPED_TILE_VALUES, tiles
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network, Weights
from memspan.interfaces.predictor import Internals, Predictor
from memspan.interfaces.probe import Effort
from memspan.interfaces.readings import Curve
from memspan.interfaces.recurrence import Recurrence
from memspan.interfaces.signature import Signature
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.statistics.band import Band, band, median_band
from memspan.statistics.bootstrap import Floats
from memspan.statistics.decay import SCORES, fit_decay, middle
from memspan.statistics.ragged_band import ragged_band
from memspan.statistics.scores import median_scores
from memspan.tasks import sample


class StateGradient(StateProbe):
    """Follow the loss of the last answer back through time: the size of its gradient by a layer's state, by lag.

    Where answers are due at steps that differ by sequence, one of each sequence's, all equally likely, and lags are
    counted from it. Relative to the gradient at lag 0. A curve that falls says that gradients vanish, and so how far
    back a model can learn; an exponential and a power law are fitted to the middle of it. Of several repeats the
    median.
    """

    title: ClassVar[str] = "Gradient by the state, by lag"
    reference: ClassVar[str] = (
        "Pascanu, Mikolov & Bengio (2013), arXiv 1211.5063; Bengio, Simard & Frasconi (1994), "
        "IEEE Trans. Neural Networks 5(2)"
    )
    kind: Literal["state_gradient"] = "state_gradient"

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(gradients=self.sequences)


@probe(StateGradient)
def measure(spec: StateGradient, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """G(T - lag) / G(T) with G(t) the mean over sequences of ‖dL/dh_t‖, L the loss of the answer at step T alone.

    Units:
        lags in steps, gradients as shares of the one at lag 0.
    """
    internals, batch = inner(spec, model), sample(task, length, spec.sequences, rng)
    steps = torch.full((len(batch),), task.signature(length).length - 1)
    if differs(task, length):
        batch = one_of_each(batch, rng)
        steps = SelectedAnswer(task.signature(length), int(steps[0]), marked=True).steps(batch.targets)
    recurrence, signature = internals.network.recurrence, task.signature(length)
    if recurrence is not None:
        norms = gradient_norms(internals, recurrence, batch, signature, spec.place(recurrence), steps)  # (M, B, T)
    else:
        norms = block_norms(internals, batch, signature, spec.layer, spec.state, steps)
    found, each = relative(*behind(norms, steps))
    y, low, high = (tuple(part.tolist()) for part in (found.value, found.low, found.high))
    label = f"|dL/d{spec.state}| relative to lag 0"
    return Curve(tuple(range(len(y))), y, low, high, found.n, "lag", label, "steps", "1", scores=decay_scores(each))


def gradient_norms(
    internals: Internals,
    recurrence: Recurrence,
    batch: Batch,
    signature: Signature,
    place: tuple[int, int],
    steps: Tensor,
) -> Tensor:
    """‖dL/dh_t‖ of each member and sequence, (M, B, T) with t = 0 first; L is the loss at its step (B,) alone.

    Source:
        Pascanu, Mikolov & Bengio (2013), arXiv 1211.5063, section 2.
    """
    members = len(next(iter(internals.weights.values())))
    found = torch.empty(members, len(batch), signature.length, dtype=torch.float64)
    each = signature.length * max(recurrence.state_size, signature.channels)
    for some, sequences in tiles(members, len(batch), each, TAPED_TILE_VALUES):
        mine = double_precision(internals, some)
        norms = _norms(recurrence, mine, batch[sequences], signature, place, steps[sequences])
        found[some, sequences] = norms.cpu()
    return found


def block_norms(
    internals: Internals, batch: Batch, signature: Signature, block: int, name: str, steps: Tensor
) -> Tensor:
    """The same by a state of a residual block, which is walked through step by step."""
    members = len(next(iter(internals.weights.values())))
    found = torch.empty(members, len(batch), signature.length, dtype=torch.float64)
    each = internals.network.kept + signature.length * internals.network.state_size
    for some, sequences in tiles(members, len(batch), each, TAPED_TILE_VALUES):
        system, part = system_of(internals, some), batch[sequences]
        if not isinstance(system, BlockSystem):
            raise TypeError("only residual blocks are walked through here")
        _taped(system.weights, signature)
        targets = asked(part, signature, steps[sequences])
        driving = part.inputs.to(system.like).requires_grad_()
        with torch.enable_grad():
            answer, states = system.recorded(driving, block, name, steps[sequences])
            total = sequence_losses(signature.problem, answer, targets).sum()
        slopes = torch.autograd.grad(total, states, allow_unused=True, materialize_grads=True)
        found[some, sequences] = torch.stack([each.flatten(2).norm(dim=-1) for each in slopes], dim=-1).cpu()
    return found


def _taped(weights: Weights, signature: Signature) -> None:
    """Let autograd follow what stands for tokens, which have no gradient themselves."""
    if signature.vocabulary:
        weights[KERNEL].requires_grad_()


def asked(batch: Batch, signature: Signature, steps: Tensor) -> Tensor:
    """The targets at a step of each sequence (B,)."""
    return batch.targets[torch.arange(len(batch)), steps] if signature.every_step else batch.targets


def _norms(
    recurrence: Recurrence,
    weights: Weights,
    batch: Batch,
    signature: Signature,
    place: tuple[int, int],
    steps: Tensor,
) -> Tensor:
    level, state = place
    _taped(weights, signature)
    kernel = weights[f"{recurrence.readout}.kernel"]
    inputs = batch.inputs.to(kernel).expand(len(kernel), *batch.inputs.shape).clone()
    with torch.enable_grad():
        at = steps if signature.every_step and bool((steps < signature.length - 1).any()) else None
        answer, recorder = recorded(recurrence, signature.every_step, weights, inputs.requires_grad_(), at)
        total = sequence_losses(signature.problem, answer, asked(batch, signature, steps)).sum()
    states = [states[state] for states in recorder.states[recurrence.levels[level][0].name]]
    slopes = torch.autograd.grad(total, states, allow_unused=True, materialize_grads=True)
    return torch.stack([slope.norm(dim=-1) for slope in slopes], dim=-1)


def relative(norms: Tensor, there: Tensor) -> tuple[Band, Floats]:
    """Gradients over the one at lag 0: with its interval, and of each member (M, lags).

    Of one member the mean over sequences; of several the median of these, as one that explodes would rule a mean.

    Shapes:
        norms (M, B, lags), and whether a sequence is so long up to its answer (B, lags).
    """
    if not there.all():
        return _ragged(norms, there)
    means = norms.mean(1)  # (M, lags)
    each = (means / means[:, :1]).numpy()
    return (band((norms / means[:, None, :1]).numpy()) if len(each) == 1 else median_band(each)), each


def _ragged(norms: Tensor, there: Tensor) -> tuple[Band, Floats]:
    """The same where sequences differ in how far they reach back: over the gradient at lag 0 of those that reach a lag,
    as the late answers that are left at long lags may have larger or smaller ones than all."""
    reached = there.any(0)
    norms, first = norms[..., reached], norms[..., :1] * there[:, reached]  # (M, B, lags)
    each = (norms.sum(1) / first.sum(1)).numpy()
    return (ragged_band(norms.numpy(), first[0].numpy()) if len(each) == 1 else median_band(each)), each


def decay_scores(each: Floats) -> dict[str, float | None]:
    """Both laws fitted to the middle of each member's curve (M, lags), and the median of what was found."""
    part = middle(each.shape[1])
    lags = np.arange(each.shape[1], dtype=np.float64)[part]
    fits = [fit_decay(lags, row[part]).scores() for row in each]
    columns = {name: np.array([fit[name] for fit in fits]) for name in SCORES}
    return {key: value for name, column in columns.items() for key, value in median_scores(name, column).items()}
