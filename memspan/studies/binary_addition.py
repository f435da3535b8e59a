"""Binary addition: what can a recurrent network do that a window can't?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import numpy as np

from memspan.baselines.window import exact_match
from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence, ExperimentEvidence
from memspan.claims.measured import Floats, Measured, NotMeasured, bootstrapped, exactly
from memspan.claims.study import StudySpec
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.probe import ProbeSpec
from memspan.models import build
from memspan.models.carry_mlp import CarryMLP
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.models.window_mlp import WindowMLP
from memspan.optimizers.adam import Adam
from memspan.probes.decode import Decode
from memspan.probes.length_shift import LengthShift
from memspan.studies import study
from memspan.tasks.binary_addition import BinaryAddition
from memspan.training import Training

BITS = 8
"""bits of the operands in training"""
FAR = 64
UNITS = 16
RNN_16, LSTM_16, GRU_16 = RNN(hidden_size=UNITS), LSTM(hidden_size=UNITS), GRU(hidden_size=UNITS)
CARRY = CarryMLP(hidden_size=UNITS)
WINDOWS = tuple(WindowMLP(hidden_size=32, window=k) for k in range(9))
SUM, SUM_AND_CARRY = BinaryAddition(), BinaryAddition(answer="sum_and_carry")
SHIFT = LengthShift(lengths=(8, 16, 32, 64), metric="exact", sequences=1_000)
READ = Decode(variable="carry")
RECURRENT = Training(
    optimizer=Adam(learning_rate=0.02),
    batch_size=32,
    epochs=20,
    validation_size=500,
    clip_norm=1.0,
)
"""of the learning rates .001, .003, .01, .02 the one with the lowest validation loss at 8 bits, for all three cells"""
FEED_FORWARD = Training(
    optimizer=Adam(learning_rate=0.01),
    batch_size=128,
    epochs=30,
    validation_size=500,
    clip_norm=1.0,
    halve_every=500,
)


def at(reading: Mapping[str, list[float]], x: float, n: int) -> Measured:
    """A curve's value and interval at x."""
    place = list(reading["x"]).index(x)
    return Measured(float(reading["y"][place]), float(reading["low"][place]), float(reading["high"][place]), n)


def adds_far(experiment: str, model: ModelSpec) -> Callable[[Evidence], Measured]:
    """Share of sums of 64 bits without an error, mean over repeats."""

    def measure(evidence: Evidence) -> Measured:
        reading = evidence[experiment].probe(SHIFT, model)
        return at(reading, FAR, int(reading["n"]))

    return measure


def carry_is_read(evidence: Evidence) -> Measured:
    """Accuracy of a linear read-out of the carry from the RNN's state, at the worst step."""
    reading = evidence["recurrent"].probe(READ, RNN_16)
    worst = min(range(len(reading["y"])), key=lambda place: reading["y"][place])
    return at(reading, reading["x"][worst], int(reading["n"]))


def windows(experiment: ExperimentEvidence) -> list[WindowMLP]:
    """The windows that the scale runs."""
    return [model for model in WINDOWS if model in experiment.spec.models]


def off_the_ceiling(evidence: Evidence) -> Measured:
    """Largest distance of a window's median share of right sums from what is exactly possible, over k."""
    experiment = evidence["windows"]
    found = windows(experiment)
    ceilings = [exact_match(BITS, model.window) for model in found]

    def furthest(*exact: Floats) -> Floats:
        gaps = [np.abs(np.median(x, axis=-1) - c) for x, c in zip(exact, ceilings, strict=True)]
        largest: Floats = np.max(gaps, axis=0)
        return largest

    return bootstrapped(furthest, *(experiment.values("test_exact", model) for model in found))


def weights_of_windows(evidence: Evidence) -> Measured:
    """Weights of the widest window over those of the narrowest, exactly."""
    signature = SUM.signature(BITS)
    found = windows(evidence["windows"])
    most, least = (build(model, signature).parameters for model in (found[-1], found[0]))
    return exactly(most / least, note=f"{least} weights see 0 pairs back, {most} see {found[-1].window}.")


def no_window_adds_far(evidence: Evidence) -> Measured:
    """Share of sums of 64 bits without an error of the widest window."""
    experiment = evidence["windows"]
    widest = windows(experiment)[-1]
    if widest.window < 8:
        raise NotMeasured("The quick scale does not run a window of 8 pairs.")
    reading = experiment.probe(SHIFT, widest)
    return at(reading, FAR, int(reading["n"]))


class BinaryAdditionStudy(StudySpec):
    """Adding two numbers bit by bit: recurrent networks, windows of k pairs, and a perceptron fed its own carry.

    All are trained on numbers of 8 bits and tested on up to 64. How well a window can do is known exactly.
    """

    title: ClassVar[str] = "What can recurrent nets do that windows can't?"
    reference: ClassVar[str] = (
        "stackoverflow questions on RNN, LSTM and sliding windows; iamtrask (2015), binary addition"
    )
    question: ClassVar[str] = "Can a recurrent network add numbers of any length where a window of bits can't?"
    explanation: ClassVar[str] = (
        "A carry can come from any number of bits back, so a window of k pairs must guess whenever all k only pass it "
        "on, while one remembered bit, handed from step to step, is enough for numbers of any length. A recurrent net "
        "finds that bit by itself; a perceptron that is fed its carry needs it as a target."
    )
    claims: ClassVar[tuple[Claim, ...]] = (
        *(
            Claim(
                f"{model.kind}-extrapolates",
                f"The {model.kind.upper()} trained on 8 bits adds numbers of 64 bits.",
                "share of sums of 64 bits without an error, mean over repeats",
                "at_least",
                threshold,
                adds_far("recurrent", model),
            )
            for model, threshold in ((RNN_16, 0.99), (LSTM_16, 0.9), (GRU_16, 0.9))
        ),
        Claim(
            "window-at-its-ceiling",
            "A window over k previous pairs tops out at what is exactly possible for k.",
            "largest distance of the median share of right sums at 8 bits from the exact ceiling, over k",
            "at_most",
            0.02,
            off_the_ceiling,
        ),
        Claim(
            "window-grows",
            "A window needs more weights the further back it sees.",
            "weights of the widest window over those of the narrowest",
            "at_least",
            2.0,
            weights_of_windows,
        ),
        Claim(
            "window-does-not-extrapolate",
            "A window that adds 8 bits perfectly does not add 64.",
            "share of sums of 64 bits without an error, k = 8, mean over repeats",
            "at_most",
            0.95,
            no_window_adds_far,
            source="memspan",
        ),
        Claim(
            "fed-back-carry-extrapolates",
            "A perceptron whose carry is fed back equals a recurrent net with a supervised state: it adds 64 bits.",
            "share of sums of 64 bits without an error, mean over repeats",
            "at_least",
            0.99,
            adds_far("carry fed back", CARRY),
        ),
        Claim(
            "carry-is-in-the-state",
            "The carry can be read from the RNN's state: that is where the 1 is stored.",
            "held-out accuracy of a linear read-out of the carry, worst step",
            "at_least",
            0.99,
            carry_is_read,
        ),
    )

    kind: Literal["binary-addition"] = "binary-addition"


@study(BinaryAdditionStudy)
def experiments(spec: BinaryAdditionStudy) -> Mapping[str, ExperimentSpec]:
    """Three trainings: recurrent nets, windows, and the fed-back carry; in a hurry four windows and three repeats."""
    full = spec.scale == "full"
    chosen = WINDOWS if full else tuple(model for model in WINDOWS if model.window in (0, 1, 2, 4))
    asked: Mapping[str, tuple[BinaryAddition, tuple[ModelSpec, ...], Training, tuple[ProbeSpec, ...]]] = {
        "recurrent": (SUM, (RNN_16, LSTM_16, GRU_16), RECURRENT, (SHIFT, READ)),
        "windows": (SUM, chosen, FEED_FORWARD, (SHIFT,)),
        "carry fed back": (SUM_AND_CARRY, (CARRY,), FEED_FORWARD, (SHIFT,)),
    }
    return {
        name: ExperimentSpec(
            name=f"binary addition study: {name}",
            tasks=(task,),
            models=models,
            lengths=(BITS,),
            training=training,
            repeats=5 if full or name == "recurrent" else 3,
            seed=spec.seed,
            probes=probes,
        )
        for name, (task, models, training, probes) in asked.items()
    }
