"""Integrated gradients: how much of the answer each step accounts for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.attribution.answer_probe import AnswerGradientProbe
from memspan.attribution.answers import Answers
from memspan.attribution.blocks import blocks, carried
from memspan.attribution.input_gradients import TAPED_VALUES, input_gradients
from memspan.attribution.internals import internals_of
from memspan.attribution.lag_curve import Quantity, mean_score
from memspan.attribution.query_curve import attribution_curve
from memspan.attribution.selected_answer import SelectedAnswer
from memspan.attribution.token_gradients import answers_to, taped, vector_gradients, vectors
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Internals, Predictor
from memspan.interfaces.probe import Effort
from memspan.interfaces.readings import Curve
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe


class IntegratedGradients(AnswerGradientProbe):
    """How much of the difference between the answer and that to an all-zero input each step accounts for, by lag.

    Gradients are averaged on the straight way from zero to the input (Gauss-Legendre) and multiplied with it, so that
    the steps of a sequence add up to the whole difference. The curve is their mean size; ``convergence_delta`` the mean
    size of what is missing from the sum, in the answer's unit. Tokens go from a vector of zeros to the one that stands
    for them. ``auc`` as for input_gradient.
    """

    title: ClassVar[str] = "Integrated gradients by lag"
    reference: ClassVar[str] = "Sundararajan, Taly & Yan (2017), arXiv 1703.01365"
    kind: Literal["integrated_gradients"] = "integrated_gradients"
    n_steps: Annotated[Whole, Field(ge=1, le=1_000, description="nodes of the integral from zero to the input")] = 50

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(answers=2 * self.sequences, gradients=self.n_steps * self.sequences, calls=2)


@probe(IntegratedGradients)
def measure(spec: IntegratedGradients, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """mean over sequences of |sum over channels of IG[t, c]|, for t from the answer backwards.

    Units:
        of the answer.

    Source:
        Sundararajan, Taly & Yan (2017), equations 1 and 3; ``IntegratedGradients`` of Captum with
        ``method="gausslegendre"``.
    """
    batch, selected = spec.drawn(task, length, rng)
    missing: list[Tensor] = []

    def parts() -> Iterator[Tensor]:
        for part in blocks(len(batch), model.members * batch.inputs[0].numel()):
            found, whole = attributed(spec, model, batch[part], selected)
            missing.append((found.double().sum(-1) - whole).abs())
            yield found.abs()

    quantity = Quantity("mean |integrated gradient|", spec.unit(task, length))
    curve = attribution_curve(parts(), Answers(task, length, batch, selected), quantity)
    delta = mean_score("convergence_delta", torch.cat(missing, dim=1))
    return replace(curve, scores={**curve.scores, **delta})


def attributed(
    spec: IntegratedGradients, model: Predictor, batch: Batch, selected: SelectedAnswer
) -> tuple[Tensor, Tensor]:
    """What each step accounts for (M, B, T), and what all of them together should (M, B)."""
    if selected.signature.vocabulary:
        internals = internals_of(model, spec.kind)
        found = integrated_tokens(internals, batch, selected, spec.n_steps)
        return found.sum(-1), whole_difference_of_tokens(internals, batch, selected)
    found = integrated(model, batch, selected, spec.n_steps)
    return found.sum(-1), whole_difference(model, batch, selected)


def integrated(
    model: Predictor, batch: Batch, selected: SelectedAnswer, points: int, budget: int = TAPED_VALUES
) -> Tensor:
    """x times the integral over a in 0..1 of dy/dx at a x, by Gauss-Legendre with ``points`` nodes; (M, B, T, C).

    Source:
        Sundararajan, Taly & Yan (2017), arXiv 1703.01365, equation 1, with the baseline 0.
    """
    nodes, shares = gauss_legendre(points)
    count, steps, channels = batch.inputs.shape
    total = torch.zeros(())
    for part in blocks(points, count * carried(model, steps, channels), budget):
        path = Batch(_scaled(batch.inputs, nodes[part]), torch.cat([batch.targets] * len(nodes[part])))
        found = input_gradients(model, path, selected, budget).unflatten(1, (-1, count))  # (M, P, B, T, C)
        total = total + torch.tensordot(shares[part].to(found), found, dims=([0], [1]))
    return total * batch.inputs.to(total)


def gauss_legendre(points: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights (P,) of the Gauss-Legendre rule on 0..1; exact for polynomials of degree 2 P - 1."""
    nodes, shares = np.polynomial.legendre.leggauss(points)
    return torch.from_numpy((nodes + 1) / 2).float(), torch.from_numpy(shares / 2).float()


def _scaled(inputs: Tensor, factors: Tensor) -> Tensor:
    """Every factor times every sequence: (P B, T, C)."""
    return (factors.view(-1, 1, 1, 1) * inputs).flatten(0, 1)


def whole_difference(model: Predictor, batch: Batch, selected: SelectedAnswer) -> Tensor:
    """The answer's number for some sequences less that of an all-zero input, (M, B)."""
    with torch.no_grad():
        both = torch.cat([batch.inputs, torch.zeros_like(batch.inputs)])
        numbers = selected.number(model(both), torch.cat([batch.targets] * 2)).double()
    shown, nothing = numbers.chunk(2, dim=1)
    return shown - nothing


def integrated_tokens(
    internals: Internals, batch: Batch, selected: SelectedAnswer, points: int, budget: int = TAPED_VALUES
) -> Tensor:
    """The same of the vectors that stand for tokens, from vectors of zeros on; (M, B, T, d)."""
    nodes, shares = gauss_legendre(points)
    shown, count = vectors(internals, batch.inputs), len(batch)
    total = torch.zeros(())
    for part in blocks(points, count * taped(internals, batch), budget):
        factors = nodes[part].to(shown).view(1, -1, 1, 1, 1)
        path = (factors * shown.unsqueeze(1)).flatten(1, 2)  # (M, P B, T, d)
        targets = torch.cat([batch.targets] * factors.shape[1])
        found = vector_gradients(internals, path, targets, selected).unflatten(1, (-1, count))
        total = total + torch.tensordot(shares[part].to(found), found, dims=([0], [1]))
    return total * shown


def whole_difference_of_tokens(internals: Internals, batch: Batch, selected: SelectedAnswer) -> Tensor:
    """The answer's number for some sequences less that of nothing but vectors of zeros, (M, B)."""
    shown = vectors(internals, batch.inputs)
    with torch.no_grad():
        numbers = [selected.number(answers_to(internals, each), batch.targets) for each in (shown, 0 * shown)]
    return (numbers[0] - numbers[1]).double()
