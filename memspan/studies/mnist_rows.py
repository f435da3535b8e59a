"""MNIST rows: does an LSTM read digits row by row better than a plain RNN, and what do its variants add?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence, ExperimentEvidence
from memspan.claims.measured import Measured, NotMeasured, bootstrapped, difference, exactly, ratio
from memspan.claims.study import Scale, StudySpec
from memspan.datasets import mnist
from memspan.datasets.folder import data_folder
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.studies import study
from memspan.tasks.digits import Digits
from memspan.tasks.mnist_rows import MnistRows
from memspan.training import Training

UNITS = 64
RNN_64, LSTM_64, GRU_64 = RNN(hidden_size=UNITS), LSTM(hidden_size=UNITS), GRU(hidden_size=UNITS)
PEEPHOLE = LSTM(hidden_size=UNITS, peephole=True)
STACKED = LSTM(hidden_size=(UNITS, UNITS))
BIDIRECTIONAL = LSTM(hidden_size=UNITS, bidirectional=True)
DROPOUT = LSTM(hidden_size=UNITS, dropout=0.2)
VARIANTS = (GRU_64, PEEPHOLE, STACKED, BIDIRECTIONAL, DROPOUT)
DECAY = 0.1
"""with the learning rate of .001 it takes a fifth of a weight in the 2 110 steps; torch's default of .01 takes 2 %"""
CELLS, DECAYED = "cells", "weight decay"


@dataclass(frozen=True)
class Pictures:
    """What is read, in words and as a task, and how long one trains on it."""

    named: str
    task: TaskSpec
    training: Mapping[Scale, Training]


def pictures() -> Pictures:
    """MNIST with the tutorial's training where its files are there, else the digits that come with scikit-learn.

    The digits are 42 times fewer: smaller batches and more epochs give them as many optimiser steps.
    """
    if not mnist.is_present(data_folder()):
        few = Training(batch_size=32, epochs=50, train_size=1_293, validation_size=144, test_size=360)
        return Pictures("scikit-learn's digits", Digits(), {"quick": few, "full": few})
    full = Training(batch_size=128, epochs=5, train_size=54_000, validation_size=6_000, test_size=10_000)
    return Pictures("MNIST", MnistRows(), {"quick": full.model_copy(update={"epochs": 3}), "full": full})


def noted(found: Measured, experiment: ExperimentEvidence) -> Measured:
    """With what it was measured on beside it."""
    return replace(found, note=f"{_trained(experiment)} {found.note}".strip())


def _trained(experiment: ExperimentEvidence) -> str:
    training, small = experiment.spec.training, isinstance(experiment.spec.tasks[0], Digits)
    named = "of scikit-learn's digits, because the files of MNIST were not there" if small else "of MNIST"
    return f"{training.most_epochs} epochs of {training.train_size} pictures {named}."


def lstm_ahead(evidence: Evidence) -> Measured:
    """Mean test accuracy of the LSTM minus the RNN's."""
    experiment = evidence[CELLS]
    accuracies = (experiment.values("test_accuracy", model) for model in (LSTM_64, RNN_64))
    return noted(difference(*accuracies), experiment)


def times_the_weights(evidence: Evidence) -> Measured:
    """Weights of the LSTM's layer over those of the RNN's, without the read-out."""
    experiment = evidence[CELLS]
    lstm, rnn = (_layer_weights(experiment, model) for model in (LSTM_64, RNN_64))
    return exactly(lstm / rnn, note=f"{lstm} and {rnn}.")


def _layer_weights(experiment: ExperimentEvidence, model: ModelSpec) -> int:
    network = next(place.network() for place in experiment.grid if place.model == model)
    layers = (weight.shape for name, weight in network.weights.items() if not name.startswith("readout"))
    return sum(math.prod(shape) for shape in layers)


def times_the_seconds(evidence: Evidence) -> Measured:
    """Median seconds of an epoch, the LSTM's over the RNN's."""
    experiment = evidence[CELLS]
    return noted(ratio(experiment.seconds_per_epoch(LSTM_64), experiment.seconds_per_epoch(RNN_64)), experiment)


def gained(model: ModelSpec, name: str = CELLS) -> Callable[[Evidence], Measured]:
    """Mean test accuracy of a variant minus that of the LSTM."""

    def measure(evidence: Evidence) -> Measured:
        experiment, plain = evidence[name], evidence[CELLS]
        if model not in experiment.spec.models:
            raise NotMeasured(f"The {evidence.scale} scale does not train this variant; the full scale does.")
        found = difference(experiment.values("test_accuracy", model), plain.values("test_accuracy", LSTM_64))
        return noted(found, experiment)

    return measure


def overfitted(evidence: Evidence) -> Measured:
    """Mean accuracy of the LSTM on what it was trained on minus that on the test set."""
    experiment = evidence[CELLS]
    if evidence.scale != "full":
        raise NotMeasured("Overfitting comes late, and only the full scale trains for as long as the source did.")
    train, test = (experiment.values(f"{split}_accuracy", LSTM_64) for split in ("train", "test"))
    return noted(bootstrapped(lambda x, y: x.mean(-1) - y.mean(-1), train, test, paired=True), experiment)


def helps(id: str, text: str, model: ModelSpec, name: str = CELLS) -> Claim:
    """One of the improvements that the source names."""
    metric = "mean test accuracy of the variant minus the plain LSTM's"
    return Claim(id, text, metric, "at_least", 0.001, gained(model, name))


class MnistRowsStudy(StudySpec):
    """Handwritten digits read row by row, 28 steps of 28 pixels, by a plain RNN, an LSTM and the LSTM's variants.

    Without the four files of MNIST in the data folder the study reads the smaller digits that come with scikit-learn,
    and says so in its names and beside every number.
    """

    title: ClassVar[str] = "Does an LSTM read digits row by row better than a plain RNN?"
    reference: ClassVar[str] = (
        "tutorial on RNN and LSTM in Keras with MNIST rows; LeCun et al. (1998), Proc. IEEE 86(11)"
    )
    question: ClassVar[str] = (
        "Is an LSTM better than a plain RNN at reading digits row by row, and what do its variants add?"
    )
    explanation: ClassVar[str] = (
        "A digit is 28 rows long, and a plain RNN can be trained over so few steps: its lack of gates costs it some "
        "accuracy, but no more than that, and it has a quarter of the weights. What the LSTM gains, and what a variant "
        "adds to it, are differences of a percent or less, so they count only beside the spread over repeats."
    )
    claims: ClassVar[tuple[Claim, ...]] = (
        Claim(
            "lstm-above-rnn",
            "The LSTM reads digits better than the plain RNN.",
            "mean test accuracy of the LSTM minus the RNN's",
            "at_least",
            0.002,
            lstm_ahead,
        ),
        Claim(
            "four-times-the-weights",
            "Gates cost weights: an LSTM layer has four times as many as a plain one.",
            "weights of the LSTM layer over those of the RNN layer",
            "at_least",
            4,
            times_the_weights,
        ),
        Claim(
            "gates-cost-time",
            "Gates cost time: an epoch of the LSTM takes longer.",
            "median seconds of an epoch, the LSTM's over the RNN's",
            "at_least",
            1.5,
            times_the_seconds,
        ),
        helps("gru-helps", "A GRU reads digits better than the LSTM.", GRU_64),
        helps("peephole-helps", "Peepholes, through which the gates see the cell state, make it better.", PEEPHOLE),
        helps("stacking-helps", "A second layer makes it better.", STACKED),
        helps("bidirection-helps", "Reading from both ends makes it better.", BIDIRECTIONAL),
        helps("dropout-helps", "Dropout of .2 makes it better.", DROPOUT),
        helps("weight-decay-helps", f"Weight decay of {DECAY:g} makes it better.", LSTM_64, DECAYED),
        Claim(
            "lstm-overfits",
            "On sequences as short as these the LSTM overfits.",
            "mean accuracy in the last training epoch (while the weights still move) minus test accuracy",
            "at_least",
            0.01,
            overfitted,
        ),
    )

    kind: Literal["mnist-rows"] = "mnist-rows"


@study(MnistRowsStudy)
def experiments(spec: MnistRowsStudy) -> Mapping[str, ExperimentSpec]:
    """All cells, trained as the source does, three times; in a hurry the first two, not quite as long."""
    seen, full = pictures(), spec.scale == "full"
    training = seen.training[spec.scale]
    asked: dict[str, tuple[tuple[ModelSpec, ...], Training]] = {
        CELLS: ((RNN_64, LSTM_64, *(VARIANTS if full else ())), training)
    }
    if full:
        asked[DECAYED] = ((LSTM_64,), training.model_copy(update={"weight_decay": DECAY}))
    return {
        name: ExperimentSpec(
            name=f"mnist-rows study: {name} on {seen.named}",
            tasks=(seen.task,),
            models=models,
            training=training,
            repeats=3,
            seed=spec.seed,
        )
        for name, (models, training) in asked.items()
    }
