"""First and last: does an LSTM lose the first step at length 69, and does a convolution keep it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence, ExperimentEvidence
from memspan.claims.measured import Flags, Floats, Measured, NotMeasured, median, rate, rate_difference, ratio
from memspan.claims.probe_result import average, interval_difference, interval_ratio, scalar
from memspan.claims.study import StudySpec
from memspan.experiment.report import Report
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.probe import ProbeSpec
from memspan.models.cnn import CNN
from memspan.models.lstm import LSTM
from memspan.models.tcn import TCN
from memspan.optimizers.rmsprop import RMSprop
from memspan.probes.blinding import Blinding
from memspan.probes.change import Change
from memspan.probes.latency import Latency
from memspan.studies import study
from memspan.tasks.first_last import FirstLast
from memspan.training import Training

LENGTHS = (2, 10, 20, 30, 40, 50, 60, 68, 69, 70, 80, 100)
EDGE, FAR, LONGEST = 69, 60, 100
"""steps: where the article's LSTM forgets, from which a length counts as long, and the longest"""
RECURRENT = LSTM(hidden_size=(8, 6), activation="softplus")
CHRONO = LSTM(hidden_size=(8, 6), activation="softplus", initialization="chrono")
CONVOLUTION, REACHING, BEYOND = CNN(), TCN(reach=1.0), TCN(reach=2.0)
USED = 0.5
"""a run with a mean squared error below it uses the first step: the last one alone leaves 1, nothing leaves 2"""
NOTHING = 2.0
"""mean squared error of answering 0"""
FIRST, LAST = Change(index=0), Change(index=-1)
FIRST_ALONE, LAST_ALONE = Blinding(index_off=-1, index_on=0), Blinding(index_off=0, index_on=-1)
WIDE = tuple(
    each.model_copy(update={"sequences": 500, "low": -2.0, "high": 2.0, "points": 41})
    for each in (FIRST_ALONE, LAST_ALONE)
)
"""the same with 500 sequences on -2..2: the article's ten on 0..0.9 are few"""
TIMES = Latency()
EACH: tuple[ProbeSpec, ...] = (FIRST, LAST, FIRST_ALONE, LAST_ALONE, *WIDE)


def errors(experiment: ExperimentEvidence, model: ModelSpec, length: int) -> Floats:
    """Mean squared error of every run on fresh sequences; one that diverged is as good as answering 0."""
    found = experiment.values("test_loss", model, length)
    return np.where(np.isfinite(found), found, NOTHING)


def uses_first(experiment: ExperimentEvidence, model: ModelSpec, length: int) -> Flags:
    found: Flags = errors(experiment, model, length) < USED
    return found


def lengths(experiment: ExperimentEvidence, low: int) -> list[int]:
    """Those of an experiment from ``low`` on."""
    return sorted({place.extent for place in experiment.grid if place.extent >= low})


def medians(experiment: ExperimentEvidence, model: ModelSpec, low: int) -> list[Measured]:
    """Median error at each length from ``low`` on, which the note names."""
    return [
        replace(median(errors(experiment, model, each)), note=f"Length {each}.") for each in lengths(experiment, low)
    ]


def worst_of_convolution(evidence: Evidence) -> Measured:
    return max(medians(evidence["article"], CONVOLUTION, 0), key=lambda each: each.value)


def best_of_lstm(evidence: Evidence) -> Measured:
    """The least of its median errors from 69 steps on."""
    return min(medians(evidence["article"], RECURRENT, EDGE), key=lambda each: each.value)


def edge(evidence: Evidence) -> Measured:
    """Share of LSTMs that use the first step of 68, minus the share at 69."""
    experiment = evidence["article"]
    return rate_difference(uses_first(experiment, RECURRENT, EDGE - 1), uses_first(experiment, RECURRENT, EDGE))


def leans_to_the_last(evidence: Evidence) -> Measured:
    """Median change by the last step minus that by the first, mean over lengths of 60 and more."""
    experiment = evidence["article"]
    return average(
        [
            interval_difference(
                *(scalar(experiment.probe(each, RECURRENT, length), "median_change") for each in (LAST, FIRST))
            )
            for length in lengths(experiment, FAR)
        ]
    )


def blind_to_the_first(evidence: Evidence) -> Measured:
    return scalar(evidence["article"].probe(FIRST_ALONE, RECURRENT, EDGE), "mean_squared_error")


def trains_faster(evidence: Evidence) -> Measured:
    experiment = evidence["article"]
    return ratio(*(experiment.seconds_per_epoch(each, EDGE) for each in (RECURRENT, CONVOLUTION)))


def answers_faster(evidence: Evidence) -> Measured:
    experiment = evidence["article"]
    return interval_ratio(
        *(scalar(experiment.probe(TIMES, each, EDGE), "milliseconds") for each in (RECURRENT, CONVOLUTION))
    )


def beyond(evidence: Evidence) -> Measured:
    return median(errors(evidence["dilated"], BEYOND, LONGEST))


def reaching(evidence: Evidence) -> Measured:
    experiment = evidence["dilated"]
    if REACHING not in experiment.spec.models:
        raise NotMeasured(f"The {evidence.scale} scale does not train this network; the full scale does.")
    return median(errors(experiment, REACHING, LONGEST))


def chrono_carries(evidence: Evidence) -> Measured:
    return rate(uses_first(evidence["chrono"], CHRONO, LONGEST))


class FirstLastStudy(StudySpec):
    """Adding the first and the last step of noise: the article's LSTM and convolution, and a dilated causal network.

    The article trained each model once; here every model is trained several times on the same task, and asked with
    the article's own two probes. What it calls a temporal convolutional network is one convolution as wide as the
    sequence (``cnn``); the dilated causal stack that usually bears the name (``tcn``) is trained beside it.
    """

    title: ClassVar[str] = "Does an LSTM forget the first step at length 69?"
    reference: ClassVar[str] = (
        "dwipam (2021), How Long Dependencies Can LSTM & T-CNN Really Remember?, medium.com/analytics-vidhya; "
        "github.com/dwipam/medium-3"
    )
    question: ClassVar[str] = "Does an LSTM lose the first step of a sequence at length 69, and a convolution not?"
    explanation: ClassVar[str] = (
        "A convolution as wide as the sequence has a weight of its own for every step, so the first step is as near to "
        "it as the last, while an LSTM must hand the first one on through every step between and learns by gradients "
        "that shrink on the way. Where it gives up follows from the time constants that its gates start with, the "
        "number of training steps and the draw of its weights, so one run at each length can't show a limit."
    )
    claims: ClassVar[tuple[Claim, ...]] = (
        Claim(
            "convolution-stays-accurate",
            "The convolution as wide as the sequence stays accurate at every length.",
            "largest of the median test errors (MSE) over the lengths; 2 is answering 0, .02 counts as solved",
            "at_most",
            0.02,
            worst_of_convolution,
        ),
        Claim(
            "sixty-eight-works-sixty-nine-fails",
            "The LSTM carries the first step over 68 steps and fails at 69, as a property of its architecture.",
            "share of runs that use the first step (MSE below .5) at T = 68 minus the share at T = 69",
            "at_least",
            0.5,
            edge,
        ),
        Claim(
            "lstm-forgets",
            "From 69 steps on the LSTM has forgotten the first step.",
            "smallest of the median test errors (MSE) over the lengths of 69 and more; 1 is knowing the last step only",
            "at_least",
            USED,
            best_of_lstm,
        ),
        Claim(
            "last-over-first",
            "The LSTM is more sensitive to a change of the last step than of the first.",
            "% that +50 % at the last step moves the answer minus % of the first; mean over lengths of 60 and more",
            "at_least",
            1.0,
            leans_to_the_last,
        ),
        Claim(
            "blind-to-the-first",
            "Shown the first of 69 steps alone, the LSTM answers like one that has forgotten it.",
            "squared distance of its answer from x[0] = 0, .1, ... .9 with x[-1] = 0; always answering 0 scores .285",
            "at_least",
            0.2,
            blind_to_the_first,
        ),
        Claim(
            "convolution-trains-faster",
            "The convolution trains faster than the LSTM.",
            "median seconds of an epoch of the LSTM over the convolution's, T = 69",
            "at_least",
            1.5,
            trains_faster,
        ),
        Claim(
            "convolution-answers-faster",
            "The convolution predicts faster than the LSTM.",
            "milliseconds in which the LSTM answers 256 sequences over the convolution's, T = 69",
            "at_least",
            1.5,
            answers_faster,
        ),
        Claim(
            "dilated-beyond",
            "A dilated causal network whose receptive field is more than twice the sequence solves 100 steps.",
            "median test error (MSE) at T = 100, receptive field 249",
            "at_most",
            0.01,
            beyond,
            source="memspan",
        ),
        Claim(
            "dilated-reaching-is-not-enough",
            "The same network does not learn to use the first step when its receptive field only just reaches it.",
            "median test error (MSE) at T = 100, receptive field 121",
            "at_least",
            USED,
            reaching,
            source="memspan",
        ),
        Claim(
            "chrono-carries",
            "The same LSTM uses the first of 100 steps when its gates start with time constants as long (chrono).",
            "share of runs that use the first step (MSE below .5) at T = 100",
            "at_least",
            0.5,
            chrono_carries,
            source="memspan",
        ),
    )

    kind: Literal["first-last"] = "first-last"


@study(FirstLastStudy)
def experiments(spec: FirstLastStudy) -> Mapping[str, ExperimentSpec]:
    """The article's settings and lengths, ten repeats; in a hurry three, four lengths and batches of 64."""
    full = spec.scale == "full"
    asked: dict[str, tuple[tuple[ModelSpec, ...], tuple[int, ...], int, tuple[ProbeSpec, ...]]] = {
        "article": ((RECURRENT, CONVOLUTION), LENGTHS if full else (2, 20, 68, 69), 30, (*EACH, TIMES)),
        **({"chrono": ((CHRONO,), (EDGE, LONGEST), 30, EACH)} if full else {}),
        "dilated": (
            (REACHING, BEYOND) if full else (BEYOND,),
            (20, EDGE, LONGEST) if full else (LONGEST,),
            30 if full else 10,
            EACH,
        ),
    }
    return {
        name: ExperimentSpec(
            name=f"first-last study: {name}",
            tasks=(FirstLast(),),
            models=models,
            lengths=each,
            training=training(256 if full else 64, batches),
            repeats=10 if full else 3,
            seed=spec.seed,
            probes=probes,
            report=Report(checkpoint="best"),
        )
        for name, (models, each, batches, probes) in asked.items()
    }


def training(batch: int, batches: int) -> Training:
    """RMSprop as Keras has it by default, new sequences in every batch, 100 epochs of so many batches.

    The article scores 228 other sequences after every 3 batches and keeps the best weights, which favours the luckiest
    score of a thousand. Here the same 1 000 sequences are scored after every epoch.
    """
    return Training(
        optimizer=RMSprop(),
        batch_size=batch,
        epochs=100,
        train_size=batches * batch,
        validation_size=1_000,
        data="fresh",
    )
