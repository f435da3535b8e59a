"""The torch engine's arithmetic: a population as one stacked program with a leading member axis, by autograd.

Large recurrent layers are hybrid on the processor: one operation of autograd each, torch's matrix products with the
cell's compiled loops between them; so is what of residual blocks can't be cut up into products. On CUDA a step is
recorded once and replayed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from memspan.engine import lag_counts
from memspan.engine.condition import Condition
from memspan.engine.cuda_graph import Recorded, Slopes
from memspan.engine.datasets import TrainingData
from memspan.engine.hybrid.blocks import blocks_answer
from memspan.engine.hybrid.runner import Answer, hybrid
from memspan.engine.mover import Mover
from memspan.engine.scored_set import ScoredSet
from memspan.engine.scores import added, due, losses
from memspan.engine.seeds import stream
from memspan.engine.state import State
from memspan.engine.weight_rows import WeightRows
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network, Weights, chosen_steps
from memspan.interfaces.noise import Noise
from memspan.interfaces.signature import Signature

SCORING_VALUES = 2**22
"""numbers that a layer may hold while a data set is scored in blocks: 16 MiB, chosen for memory and not for speed"""


class TorchEngine:
    """Any network, on any device, one optimiser step a call."""

    def __init__(self, condition: Condition, seeds: Sequence[int], state: State, device: torch.device) -> None:
        self._condition, self._seeds, self._state, self._device = condition, seeds, state, device
        self._signature, self._network = condition.signature, condition.network()
        self._weight_rows = WeightRows(self._network)
        spared = self._weight_rows.marked(self._network.spared).to(device) if self._network.spared else None
        self._mover = Mover(condition.training, state.slots, spared)
        views = self._weight_rows.named(state.rows.detach())
        self._leaves = {name: view.requires_grad_() for name, view in views.items()}
        self._data: TrainingData | None = None
        compiled = hybrid(self._network, self._signature.every_step, device) or blocks_answer(self._network, device)
        self._forward: Answer = compiled or self._plain
        recordable = device.type == "cuda" and self._network.noisy is None  # noise is drawn on the processor
        self._recorded = Recorded(self._noiseless) if recordable else None

    def train(self, epoch: int, step: int) -> int:
        """One optimiser step of all members."""
        batch = self._batch(epoch, step)
        steps = due(self._signature, batch.targets)
        asked = batch.targets if steps is None else batch.targets.gather(-1, steps)
        if self._recorded is None:
            outputs, gradients = self._slopes(self._answer(batch, steps, epoch, step), asked)
        else:
            outputs, gradients = self._recorded(batch.inputs, batch.targets)
        with torch.no_grad():
            for name, values, times in added(self._signature, outputs, asked):
                self._state.sums[name].add_(values, alpha=times)
            done = epoch * self._condition.training.steps_per_epoch + step
            self._mover.move(self._state.rows, self._weight_rows.stretches(gradients), done + 1)
        return 1

    def _slopes(self, outputs: Tensor, targets: Tensor) -> Slopes:
        """The outputs, and the gradients of all members' losses by every weight, None where it is used nowhere."""
        loss = losses(self._signature.problem, outputs, targets, self._signature.places > 0)  # (M,)
        return outputs.detach(), torch.autograd.grad(loss.sum(), list(self._leaves.values()), allow_unused=True)

    def _noiseless(self, inputs: Tensor, targets: Tensor) -> Slopes:
        steps = due(self._signature, targets)
        asked = targets if steps is None else targets.gather(-1, steps)
        return self._slopes(self._forward(self._leaves, inputs, None, steps), asked)

    def _batch(self, epoch: int, step: int) -> Batch:
        if self._data is None:
            self._data = TrainingData(self._condition, self._seeds, self._device)
        return self._data.batch(epoch, step)

    def _answer(self, batch: Batch, steps: Tensor | None, epoch: int, step: int) -> Tensor:
        if self._network.noisy is None:
            return self._forward(self._leaves, batch.inputs, None, steps)
        noise = Noise([stream(seed, "dropout", epoch, step) for seed in self._seeds], self._device)
        return self._forward(self._leaves, batch.inputs, noise, steps)

    def _plain(self, weights: Weights, inputs: Tensor, noise: Noise | None, steps: Tensor | None = None) -> Tensor:
        """The network's own answer."""
        network = self._network
        if noise is None or network.noisy is None:
            return network.forward(weights, inputs) if steps is None else network.answer_at(weights, inputs, steps)
        outputs = network.noisy(weights, inputs, noise)
        return outputs if steps is None else chosen_steps(outputs, steps)

    @torch.no_grad()
    def score(self, rows: Tensor, data: ScoredSet, first: int, totals: Mapping[str, Tensor]) -> int:
        """Score one block: as many sequences as bound memory."""
        weights, members = self._weight_rows.named(rows), rows.shape[0]
        drawn = data.rows(first, scored_at_once(self._signature, self._network, members))
        part = drawn.to(self._device)
        targets = part.targets.expand(members, *part.targets.shape)
        steps = due(self._signature, targets)
        asked = targets if steps is None else targets.gather(-1, steps)
        outputs = self._forward(weights, part.inputs.expand(members, *part.inputs.shape), None, steps)
        for name, values, times in added(self._signature, outputs, asked):
            totals[name].add_(values, alpha=times)
        if data.lags is not None:
            lags = data.lags(drawn).to(self._device)  # (B, A)
            hits = outputs.argmax(-1) == asked  # (M, B) or (M, B, A)
            mine = lags if steps is None else lags.gather(-1, steps[0])
            lag_counts.add(totals, hits.view(members, *mine.shape), mine, self._signature.length)
        return len(part)


def scored_at_once(signature: Signature, network: Network, members: int) -> int:
    """Sequences that a stack answers at once while a data set is scored."""
    each = network.held(signature.length, signature.channels)
    if signature.places:  # of large vocabularies the answers are wider than anything before them
        each = max(each, signature.places * signature.outputs)
    return max(1, SCORING_VALUES // (members * each))
