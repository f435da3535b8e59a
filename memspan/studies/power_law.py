"""Power law: does a forget gate that slows down with age let an LSTM remember longer?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence, ExperimentEvidence
from memspan.claims.measured import Floats, Measured, bootstrapped, difference, rate_difference
from memspan.claims.probe_result import negated, score
from memspan.claims.study import StudySpec
from memspan.experiment.report import Report
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.probe import ProbeSpec
from memspan.models.lstm import LSTM
from memspan.models.power_law_lstm import PowerLawLSTM
from memspan.optimizers.rmsprop import RMSprop
from memspan.probes.gates import Gates
from memspan.probes.state_gradient import StateGradient
from memspan.studies import study
from memspan.tasks.copy import Copy
from memspan.tasks.first_last import FirstLast
from memspan.training import Training

UNITS = 16
PLAIN, CHRONO = LSTM(hidden_size=UNITS), LSTM(hidden_size=UNITS, initialization="chrono")
FIXED, LEARNT = PowerLawLSTM(hidden_size=UNITS), PowerLawLSTM(hidden_size=UNITS, learn_p=True)
MODELS: tuple[ModelSpec, ...] = (PLAIN, FIXED, LEARNT, CHRONO)
LENGTHS = (50, 100, 200)
LENGTH = 100
"""at which laws of decay are told apart"""
DELAY = 20
"""of the copy task; with the authors' 200 steps and 128 units one run takes an hour of a core"""
SENSITIVITY, SURVIVAL = StateGradient(state="c"), Gates()
BATCH = 128
BUDGETS = {"short": 2_000, "long": 8_000}
"""optimiser steps"""
NOTHING = 2.0
"""mean squared error of answering 0"""


def law(asked: ProbeSpec, model: ModelSpec) -> Callable[[Evidence], Measured]:
    """AIC of the exponential minus AIC of the power law after the long training, T = 100."""
    return lambda evidence: score(evidence["long"].probe(asked, model, LENGTH), "aic_difference")


def opposite(asked: ProbeSpec, model: ModelSpec) -> Callable[[Evidence], Measured]:
    return lambda evidence: negated(law(asked, model)(evidence))


def errors(experiment: ExperimentEvidence, model: ModelSpec, length: int) -> Floats:
    """Mean squared error of every run on fresh sequences; one that diverged is as good as answering 0."""
    found = experiment.values("test_loss", model, length)
    return np.where(np.isfinite(found), found, NOTHING)


def powers_lower(worse: Floats, better: Floats) -> Measured:
    """By how many powers of ten the second median lies below the first."""
    return bootstrapped(lambda x, y: np.log10(np.median(x, axis=-1) / np.median(y, axis=-1)), worse, better)


def ahead(model: ModelSpec, other: ModelSpec, length: int) -> Callable[[Evidence], Measured]:
    """Powers of ten by which a model's median error lies below another's, the lesser of both budgets."""

    def measure(evidence: Evidence) -> Measured:
        found = {
            budget: powers_lower(*(errors(evidence[budget], each, length) for each in (other, model)))
            for budget in BUDGETS
        }
        budget = min(found, key=lambda each: found[each].value)
        return replace(found[budget], note=f"After the {budget} training.")

    return measure


def solves_more(evidence: Evidence) -> Measured:
    """Share of solved runs of the power-law LSTM over all lengths, minus the LSTM's, after the long training."""
    experiment = evidence["long"]
    return rate_difference(experiment.solved(FIXED), experiment.solved(PLAIN))


def copies_better(evidence: Evidence) -> Measured:
    experiment = evidence["copy"]
    return difference(*(experiment.values("test_accuracy", model, DELAY) for model in (FIXED, PLAIN)))


CRITERION = "(Akaike); median over repeats, T = 100, long training"
LOWER = "powers of ten between their median test errors (MSE), the lesser of both budgets"


class PowerLawStudy(StudySpec):
    """LSTM, power-law LSTM with fixed and with learnt exponent, and LSTM with chrono initialisation, 16 units each.

    They add the first and the last step of 50 to 200, after a short and a long training, and copy ten symbols over a
    delay of 20 steps. Optimizer, batches and clipping are those of the power-law LSTM's authors for their copy task.
    """

    title: ClassVar[str] = "Does slower forgetting make an LSTM remember longer?"
    reference: ClassVar[str] = (
        "Chien, Turek, Beckage, Vo, Honey & Willke (2021), arXiv 2105.05944; github.com/sherrychien/PowerlawLSTM; "
        "left open by dwipam (2021), medium.com/analytics-vidhya"
    )
    question: ClassVar[str] = "Does a forget gate that follows a power law let an LSTM remember longer?"
    explanation: ClassVar[str] = (
        "A gate that keeps the same share at every step forgets exponentially, while one that keeps more of what is "
        "older forgets as a power law, so that a far step still has a say and its gradient does not vanish. How "
        "much that helps is a matter of the start: an LSTM whose gates begin with time constants as long as the "
        "sequence has such gradients, too."
    )
    claims: ClassVar[tuple[Claim, ...]] = (
        Claim(
            "power-law-falls-as-a-power-law",
            "In a power-law LSTM the gradient by the cell state falls as a power law of the lag.",
            f"criterion of an exponential minus that of a power law {CRITERION}",
            "at_least",
            2.0,
            law(SENSITIVITY, FIXED),
            source="Chien et al. (2021)",
        ),
        Claim(
            "lstm-falls-exponentially",
            "In an LSTM the gradient by the cell state falls exponentially with the lag.",
            f"criterion of a power law minus that of an exponential {CRITERION}",
            "at_least",
            2.0,
            opposite(SENSITIVITY, PLAIN),
            source="Chien et al. (2021)",
        ),
        Claim(
            "power-law-gates",
            "The gates of a trained power-law LSTM still let memories fade as a power law of their age.",
            f"criterion of an exponential minus that of a power law, of what is left by age {CRITERION}",
            "at_least",
            2.0,
            law(SURVIVAL, FIXED),
            source="memspan",
        ),
        Claim(
            "power-law-ahead-at-100",
            "The power-law LSTM adds the first and the last of 100 steps better than the LSTM.",
            LOWER,
            "at_least",
            0.3,
            ahead(FIXED, PLAIN, 100),
            source="Chien et al. (2021)",
        ),
        Claim(
            "power-law-ahead-at-200",
            "The power-law LSTM adds the first and the last of 200 steps better than the LSTM.",
            LOWER,
            "at_least",
            0.3,
            ahead(FIXED, PLAIN, 200),
            source="Chien et al. (2021)",
        ),
        Claim(
            "power-law-solves-more",
            "The power-law LSTM remembers further back than the LSTM.",
            "share of solved runs over all lengths minus the LSTM's, long training",
            "at_least",
            0.2,
            solves_more,
            source="Chien et al. (2021)",
        ),
        Claim(
            "learnt-exponent-helps",
            "Learning the exponent is better than fixing it at .2.",
            LOWER + ", T = 100",
            "at_least",
            0.3,
            ahead(LEARNT, FIXED, LENGTH),
            source="Chien et al. (2021)",
        ),
        Claim(
            "power-law-copies-better",
            "The power-law LSTM repeats ten symbols after a delay of 20 steps better than the LSTM.",
            "mean test accuracy of the ten answers minus the LSTM's; guessing has .125",
            "at_least",
            0.05,
            copies_better,
            source="Chien et al. (2021)",
        ),
        Claim(
            "ahead-of-chrono",
            "The power-law LSTM is better than an LSTM that merely starts with long time constants (chrono).",
            LOWER + ", T = 100",
            "at_least",
            0.3,
            ahead(FIXED, CHRONO, LENGTH),
            source="memspan",
        ),
    )

    kind: Literal["power-law"] = "power-law"


@study(PowerLawStudy)
def experiments(spec: PowerLawStudy) -> Mapping[str, ExperimentSpec]:
    """Three lengths with ten repeats; in a hurry the shorter two, three repeats, and a fifth of the steps."""
    full = spec.scale == "full"
    lengths = LENGTHS if full else LENGTHS[:2]
    asked: dict[str, tuple[FirstLast | Copy, tuple[int, ...], int, tuple[ProbeSpec, ...]]] = {
        **{budget: (FirstLast(), lengths, steps, (SENSITIVITY, SURVIVAL)) for budget, steps in BUDGETS.items()},
        "copy": (Copy(form="power_law"), (DELAY,), BUDGETS["long"], ()),
    }
    return {
        name: ExperimentSpec(
            name=f"power-law study: {name}",
            tasks=(task,),
            models=MODELS,
            lengths=lengths,
            training=training(steps if full else steps // 5),
            repeats=10 if full else 3,
            seed=spec.seed,
            probes=probes,
            report=Report(checkpoint="best"),
        )
        for name, (task, lengths, steps, probes) in asked.items()
    }


def training(steps: int) -> Training:
    """The authors' optimizer, batches and clipping, with new sequences in every batch; scored 20 times."""
    epochs = 20
    return Training(
        optimizer=RMSprop(),
        batch_size=BATCH,
        epochs=epochs,
        train_size=steps // epochs * BATCH,
        validation_size=1_000,
        data="fresh",
        clip_norm=1.0,
    )
