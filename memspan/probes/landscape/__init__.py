"""Landscape: the loss around trained weights, along one or two of them or along random directions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor

from memspan.attribution.blocks import too_large
from memspan.dynamics.double_precision import double_precision
from memspan.dynamics.state_probe import NoInternals
from memspan.interfaces.batch import Batch
from memspan.interfaces.network import Network, Weights
from memspan.interfaces.predictor import Internals, Predictor
from memspan.interfaces.probe import Effort, ProbeSpec
from memspan.interfaces.readings import Curve, Surface
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Real, Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.probes.landscape.axes import ONE_NUMBER, RANDOM, Axis, filter_normalised, misnamed, one_number
from memspan.probes.landscape.best_repeat import chosen_repeat
from memspan.probes.landscape.largest_gradient import LargestGradient, largest_gradient
from memspan.probes.landscape.losses import losses_and_gradients
from memspan.statistics.band import band
from memspan.tasks import sample

AxisName = Annotated[
    str,
    Field(
        pattern=rf"^({RANDOM}|{ONE_NUMBER.pattern.replace('?P<weight>', '').replace('?P<index>', '')})$",
        description=f"one number of one weight, e.g. layer0.recurrent[0], or {RANDOM}: a random direction",
    ),
]
HalfWidth = Annotated[Real, Field(gt=0, le=1e6)]
Centre = Annotated[Real, Field(ge=-1e6, le=1e6)]
Z = {Problem.CLASSIFICATION: ("cross-entropy", "nats"), Problem.REGRESSION: ("mean squared error", "1")}

SEARCH_CALLS = 16
"""of the network, one after another, that finding the steepest wall takes; read off searches of all studies"""


class Landscape(ProbeSpec):
    """The task's loss over one or two axes in the space of the weights, the others standing where they are.

    An axis is one number of one weight, or a random direction whose step of 1 is as long, into each unit, as the
    weights there are. ``largest_gradient`` is the length of the loss's gradient along the axes where it is steepest,
    between the points of the grid, too: how steep the walls are. Double precision, fixed sequences, one repeat.
    """

    title: ClassVar[str] = "Loss landscape"
    reference: ClassVar[str] = (
        "Pascanu, Mikolov & Bengio (2013), arXiv 1211.5063, figure 6; "
        "Li, Xu, Taylor, Studer & Goldstein (2018), arXiv 1712.09913"
    )
    one_repeat: ClassVar[bool] = True
    kind: Literal["landscape"] = "landscape"
    x: AxisName = RANDOM
    y: Annotated[AxisName | None, Field(description="the second axis; null: a curve along the first")] = RANDOM
    span: Annotated[HalfWidth, Field(description="how far the axes go to either side")] = 1.0
    y_span: Annotated[HalfWidth | None, Field(description="how far the second goes; null: as far as the first")] = None
    x_center: Annotated[
        Centre | None, Field(description="middle of an axis that is a weight; null: where the weight stands")
    ] = None
    y_center: Annotated[Centre | None, Field(description="the same of the second axis")] = None
    points: Annotated[Whole, Field(ge=2, le=201, description="along each axis")] = 21
    sequences: Annotated[Whole, Field(ge=2, le=10_000, description="whose mean loss is taken")] = 32
    repeat: Annotated[
        Whole | None, Field(ge=0, le=1_000_000, description="which model of several, from 0; null: that of least loss")
    ] = None

    @model_validator(mode="after")
    def _axes_differ(self) -> Landscape:
        if self.x == self.y != RANDOM:
            raise PydanticCustomError("same_axis", "x and y name the same weight: a surface needs two.")
        for name, center in (("x", self.x_center), ("y", self.y_center)):
            if center is not None and getattr(self, name) in (RANDOM, None):
                message = "{name}_center is the value of a weight, and {name} names none."
                raise PydanticCustomError("does_not_apply", message, {"name": name})
        return self

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        large = too_large(task, length, self.sequences)
        if large or network is None:
            return large
        wrong = next((found for name in self.names if (found := misnamed(name, network))), None)
        return (
            f"The probe {self.kind} can't move that weight of this model for {task.kind}: {wrong}." if wrong else None
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Of its one or two axes."""
        return (self.x,) if self.y is None else (self.x, self.y)

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        """Every point of the grid, and the search between them, in double precision."""
        return Effort(gradients=3 * self.sequences * self.points ** len(self.names), calls=SEARCH_CALLS)


@probe(Landscape)
def measure(spec: Landscape, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Surface | Curve:
    """Mean loss of fixed sequences over the axes.

    Units:
        nats for a classification, squared units of the answer for a regression.
    """
    if model.internals is None:
        raise NoInternals(spec.kind)
    signature = task.signature(length)
    return around(spec, replace(model.internals, signature=signature), sample(task, length, spec.sequences, rng), rng)


def around(spec: Landscape, internals: Internals, batch: Batch, rng: Generator) -> Surface | Curve:
    """The landscape of given sequences, in the shape of ``internals.signature``."""
    chosen = chosen_repeat(internals, batch, spec.repeat)
    weights = double_precision(internals, slice(chosen, chosen + 1))
    axes = laid_out(spec, weights, rng)
    grid = torch.cartesian_prod(*(axis.values - axis.origin for axis in axes)).view(-1, len(axes))
    directions = [axis.direction for axis in axes]
    look = partial(losses_and_gradients, internals.network, internals.signature, weights, batch, directions)
    loss, gradients = look(grid)
    here, _ = look(torch.zeros(1, len(axes)))
    largest = largest_gradient(look, grid, loss.mean(1), gradients, tuple(len(axis.values) for axis in axes))
    told = summary(axes, loss.mean(1), largest) | {"checkpoint_loss": float(here.mean()), "repeat": chosen}
    return drawn(internals.signature, axes, loss, told)


def laid_out(spec: Landscape, weights: Weights, rng: Generator) -> list[Axis]:
    """The axes of a landscape around weights (1, ...)."""
    spans, centers = (spec.span, spec.y_span or spec.span), (spec.x_center, spec.y_center)
    return [
        _axis(name, place, span, center, spec.points, weights, rng)
        for place, (name, span, center) in enumerate(zip(spec.names, spans, centers, strict=False), start=1)
    ]


def _axis(
    name: str, place: int, span: float, center: float | None, points: int, weights: Weights, rng: Generator
) -> Axis:
    random = name == RANDOM
    direction, origin = (filter_normalised(weights, rng), 0.0) if random else one_number(weights, name)
    middle = origin if center is None else center
    values = middle + span * torch.linspace(-1, 1, points, dtype=torch.float64)
    return Axis(f"random direction {place}" if random else name, direction, origin, values)


def summary(axes: Sequence[Axis], loss: Tensor, largest: LargestGradient) -> dict[str, float | None]:
    """What a landscape comes to, of losses (G,) and its largest gradient."""
    numbers = loss[~loss.isnan()]
    found: dict[str, float | None] = {
        "lowest": float(numbers.min()) if len(numbers) else math.nan,
        "highest": float(numbers.max()) if len(numbers) else math.nan,
        "largest_gradient": largest.length,
    }
    for name, axis, offset in zip("xy", axes, largest.offset.tolist(), strict=False):
        found |= {f"checkpoint_{name}": axis.origin, f"largest_gradient_{name}": axis.origin + offset}
    return found


def drawn(signature: Signature, axes: Sequence[Axis], loss: Tensor, told: dict[str, float | None]) -> Surface | Curve:
    """A curve with its interval over sequences, or a surface, of losses (G, B)."""
    label, unit = Z[signature.problem]
    if len(axes) == 1:
        found = band(loss.T.unsqueeze(0).numpy())
        y, low, high = (tuple(part.tolist()) for part in (found.value, found.low, found.high))
        words = (axes[0].name, label, "1", unit)
        return Curve(tuple(axes[0].values.tolist()), y, low, high, found.n, *words, scores=told)
    x, y = (tuple(axis.values.tolist()) for axis in axes)
    rows = loss.mean(1).view(len(x), len(y)).T.tolist()
    z = tuple(tuple(row) for row in rows)
    height = label if unit == "1" else f"{label} ({unit})"
    return Surface(x, y, z, loss.shape[1], axes[0].name, axes[1].name, height, told)
