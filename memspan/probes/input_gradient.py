"""Input gradient: how steeply the answer depends on each step, infinitesimally."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Generator

from memspan.attribution.answer_probe import AnswerGradientProbe
from memspan.attribution.answers import Answers
from memspan.attribution.blocks import blocks
from memspan.attribution.input_gradients import input_gradients
from memspan.attribution.internals import internals_of
from memspan.attribution.lag_curve import Quantity
from memspan.attribution.query_curve import attribution_curve
from memspan.attribution.token_gradients import token_gradients
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import Effort
from memspan.interfaces.readings import Curve
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe


class InputGradient(AnswerGradientProbe):
    """The mean size of the answer's gradient by the input, against the lag: how many steps before the answer.

    The answer is a regression's output, or the true class's probability (or its logarithm). A step of several channels
    counts the sum of their sizes, a token the length of the gradient by the vector that stands for it. ``auc`` tells
    how well the sizes pick out the steps that the task declares relevant: 1 = always larger there, .5 = no better than
    chance, null = nothing to tell apart. Of tokens the lag is counted from each answer's own step.
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
    batch, selected = spec.drawn(task, length, rng)
    answers, unit = Answers(task, length, batch, selected), spec.unit(task, length)
    if selected.signature.vocabulary:
        internals = internals_of(model, spec.kind)
        parts = (found.norm(dim=-1) for found in token_gradients(internals, batch, selected))
        return attribution_curve(parts, answers, Quantity("mean |dy/d embedding|", f"{unit} per unit of embedding"))
    each = model.members * batch.inputs[0].numel()
    parts = (input_gradients(model, batch[part], selected).abs().sum(-1) for part in blocks(len(batch), each))
    return attribution_curve(parts, answers, Quantity("mean |dy/dx|", f"{unit} per unit of input"))
