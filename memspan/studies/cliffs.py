"""Cliffs: do walls rise in the loss as sequences grow?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import numpy as np

from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence, ExperimentEvidence
from memspan.claims.measured import Floats, Measured, bootstrapped, exactly
from memspan.claims.study import StudySpec
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.models.sigmoid_map import SigmoidMap
from memspan.probes.landscape import Landscape
from memspan.studies import study
from memspan.tasks.latch import Latch
from memspan.tasks.setpoint import Setpoint
from memspan.training import Training

LENGTHS = (5, 20, 50, 100, 200)
REPEATS = 5
MAP, RNN_1, LSTM_1 = SigmoidMap(), RNN(hidden_size=1), LSTM(hidden_size=1)
AXES = {"rnn": ("layer0.recurrent[0]", "layer0.bias[0]"), "lstm": ("layer0.recurrent[2]", "layer0.bias[1]")}
"""recurrent weight and bias of the RNN; of the LSTM the recurrent weight of the candidate and the forget bias"""
MODELS: Mapping[str, ModelSpec] = {"rnn": RNN_1, "lstm": LSTM_1}


def of_the_map(points: int) -> Landscape:
    """The published window: w in 4..7, b in -3.2..-1.6."""
    return Landscape(
        x="recurrent[0]",
        y="bias[0]",
        x_center=5.5,
        span=1.5,
        y_center=-2.4,
        y_span=0.8,
        points=points,
        sequences=2,
        repeat=0,
    )


def of_a_repeat(name: str, repeat: int, points: int) -> Landscape:
    """Around the checkpoint of one repeat, two to either side."""
    x, y = AXES[name]
    return Landscape(x=x, y=y, span=2.0, points=points, repeat=repeat)


def largest_gradients(experiment: ExperimentEvidence, model: ModelSpec, length: int) -> Floats:
    """The largest norm of the gradient in each landscape of a length, by repeat."""
    return np.array(
        [experiment.probe(asked, model, length)["scores"]["largest_gradient"] for asked in experiment.spec.probes]
    )


def map_grows(evidence: Evidence) -> Measured:
    """Largest gradient of the map at T = 200 over that at T = 5."""
    experiment = evidence["map"]
    short, long = (largest_gradients(experiment, MAP, length)[0] for length in (LENGTHS[0], LENGTHS[-1]))
    return exactly(float(long / short))


def grows(name: str) -> Callable[[Evidence], Measured]:
    """The same of trained networks: the median over repeats of their own ratio."""

    def measure(evidence: Evidence) -> Measured:
        experiment = evidence[name]
        short, long = (largest_gradients(experiment, MODELS[name], length) for length in (LENGTHS[0], LENGTHS[-1]))
        return bootstrapped(lambda x, y: np.median(y / x, axis=-1), short, long, paired=True)

    return measure


def in_step(name: str) -> Callable[[Evidence], Measured]:
    """Rank correlation of length and largest gradient over all repeats (Spearman)."""

    def measure(evidence: Evidence) -> Measured:
        experiment, model = evidence[name], MAP if name == "map" else MODELS[name]
        norms = np.stack([largest_gradients(experiment, model, length) for length in LENGTHS])  # (lengths, repeats)
        columns = [norms[row] for row in range(len(LENGTHS))]
        if norms.shape[1] == 1:
            return exactly(float(rank_correlation(*columns)[0]))
        return bootstrapped(lambda *drawn: rank_correlation(*drawn).mean(-1), *columns, paired=True)

    return measure


def rank_correlation(*columns: Floats) -> Floats:
    """Spearman's correlation of the columns' order with their values, for each repeat.

    Shapes:
        each column (..., n) -> (..., n)
    """
    ranks = np.stack(columns, axis=-1).argsort(-1).argsort(-1)  # (..., n, columns)
    order = np.arange(len(columns))
    centred = order - order.mean()
    found: Floats = ((ranks - order.mean()) * centred).sum(-1) / (centred**2).sum()
    return found


class CliffsStudy(StudySpec):
    """Loss landscapes of a one-unit map and of trained one-unit networks, for growing lengths."""

    title: ClassVar[str] = "Do cliffs rise as sequences grow?"
    reference: ClassVar[str] = (
        "Pascanu, Mikolov & Bengio (2013), arXiv 1211.5063, figure 6; stats.stackexchange.com/questions/340898"
    )
    question: ClassVar[str] = "Does the loss of a recurrent network grow walls as its sequences grow longer?"
    explanation: ClassVar[str] = (
        "A network that feeds itself T times multiplies its own slope T times, so a tiny change of a weight decides on "
        "which side of a tipping point the state ends: the loss is flat on either side and a wall between. Descent "
        "bounces off the wall or creeps along the plain, which is why gradients are clipped and why long memories are "
        "hard to find by gradient alone."
    )
    claims: ClassVar[tuple[Claim, ...]] = (
        Claim(
            "walls-of-the-map",
            "The wall in the loss of the one-unit map steepens with the number of steps.",
            "largest gradient norm at T = 200 over that at T = 5",
            "at_least",
            10.0,
            map_grows,
            source="Pascanu et al. (2013)",
        ),
        Claim(
            "walls-of-the-rnn",
            "Cliffs appear around trained one-unit RNNs as the length grows.",
            "largest gradient norm at T = 200 over that at T = 5, median over repeats",
            "at_least",
            2.0,
            grows("rnn"),
        ),
        Claim(
            "walls-of-the-lstm",
            "Cliffs appear around trained one-unit LSTMs as the length grows.",
            "largest gradient norm at T = 200 over that at T = 5, median over repeats",
            "at_least",
            2.0,
            grows("lstm"),
        ),
        Claim(
            "rnn-in-step",
            "The RNN's walls grow at every step from length to length.",
            "rank correlation of length and largest gradient norm, mean over repeats",
            "at_least",
            0.9,
            in_step("rnn"),
            source="memspan",
        ),
        Claim(
            "map-in-step",
            "The map's wall grows at every step from length to length.",
            "rank correlation of length and largest gradient norm",
            "at_least",
            0.9,
            in_step("map"),
            source="memspan",
        ),
    )

    kind: Literal["cliffs"] = "cliffs"


@study(CliffsStudy)
def experiments(spec: CliffsStudy) -> Mapping[str, ExperimentSpec]:
    """The map needs no training that matters; the trained networks are the latch experiment's."""
    full = spec.scale == "full"
    short = Training(epochs=1, train_size=32, validation_size=32, test_size=32)
    found = {
        "map": ExperimentSpec(
            name="cliffs study: map",
            tasks=(Setpoint(),),
            models=(MAP,),
            lengths=LENGTHS,
            training=short,
            repeats=1,
            seed=spec.seed,
            probes=(of_the_map(121 if full else 61),),
        )
    }
    for name, model in MODELS.items():
        found[name] = ExperimentSpec(
            name=f"cliffs study: {name}",
            tasks=(Latch(),),
            models=(model,),
            lengths=LENGTHS,
            repeats=REPEATS,
            seed=spec.seed,
            probes=tuple(of_a_repeat(name, repeat, 61 if full else 25) for repeat in range(REPEATS)),
        )
    return found
