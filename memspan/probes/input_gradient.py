"""Input gradient: how steeply the answer depends on each step, infinitesimally."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Generator

from memspan.attribution.answer_probe import AnswerGradientProbe
from memspan.attribution.blocks import blocks
from memspan.attribution.input_gradients import input_gradients
from memspan.attribution.lag_curve import Quantity, lag_curve
from memspan.attribution.relevance import relevant
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import Effort
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.tasks import sample


class InputGradient(AnswerGradientProbe):
    """The mean size of the answer's gradient by the input, against the lag: how many steps before the answer.

    The answer is a regression's output, or the true class's probability (or its logarithm). A step of several channels
    counts the sum of their sizes. ``auc`` tells how well the sizes pick out the steps that the task declares relevant:
    1 = always larger there, .5 = no better than chance, null = nothing to tell apart.
    """

    title: ClassVar[str] = "Input gradient by lag"
    reference: ClassVar[str] = "Simonyan, Vedaldi & Zisserman (2014), arXiv 1312.6034 (saliency)"
    kind: Literal["input_gradient"] = "input_gradient"

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(gradients=self.sequences)


@probe(InputGradient)
def measure(spec: InputGradient, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """mean over sequences of sum over channels of |dy/dx[t, c]|, for t from the answer backwards.

    Units:
        of the answer, for each unit of the input.

    Source:
        Simonyan, Vedaldi & Zisserman (2014), section 3; ``Saliency`` of Captum with ``abs=True``.
    """
    batch, selected = sample(task, length, spec.sequences, rng), spec.select(task, length)
    each = model.members * batch.inputs[0].numel()
    parts = (input_gradients(model, batch[part], selected).abs().sum(-1) for part in blocks(len(batch), each))
    quantity = Quantity("mean |dy/dx|", f"{spec.unit(task, length)} per unit of input")
    return lag_curve(parts, selected, relevant(task, length, selected), quantity)
