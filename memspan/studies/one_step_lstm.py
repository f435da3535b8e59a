"""One-step LSTM: why does a stack of LSTM layers beat a perceptron when there is nothing to remember?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np

from memspan.claims.claim import Claim, Direction
from memspan.claims.evidence import Evidence, ExperimentEvidence
from memspan.claims.measured import (
    Floats,
    Measured,
    NotMeasured,
    epochs_to_reach,
    exactly,
    log_ratio_difference,
    median,
    ratio,
    share_of_gap,
)
from memspan.claims.study import StudySpec
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.probe import ProbeSpec
from memspan.models.gated_mlp import GatedMLP
from memspan.models.lstm import LSTM
from memspan.models.mlp import MLP
from memspan.optimizers.adam import Adam
from memspan.probes.lesion import Lesion
from memspan.probes.weight_gradient import WeightGradient
from memspan.studies import study
from memspan.tasks.regression import Regression
from memspan.training import Training

WIDTHS = (50, 100, 150, 100, 50)
"""units of the hidden layers in the question"""
PERCEPTRON, ONE_STEP = MLP(hidden_size=WIDTHS), LSTM(hidden_size=WIDTHS)
GATED, GTU = GatedMLP(hidden_size=WIDTHS, gate="lstm"), GatedMLP(hidden_size=WIDTHS, gate="gtu")
MATCHED = MLP(hidden_size=(87, 174, 261, 174, 87))
"""122 845 weights, as many as the LSTM's 122 901 live ones but for 56, its widths in the same proportions"""
OPEN_I, OPEN_O = LSTM(hidden_size=WIDTHS, open_gates=("i",)), LSTM(hidden_size=WIDTHS, open_gates=("o",))
FAMILIES: Mapping[ModelSpec, str] = {PERCEPTRON: "MLP", ONE_STEP: "LSTM"}
CONTROLS = (GATED, GTU, MATCHED, OPEN_I, OPEN_O)
PAIRS, TANH_NET = Regression(), Regression(teacher="tanh_net")
FEW, MANY = 1_000, 10_000
"""sequences to train on: how many the question had is not known"""
RATE, OTHER_RATES = 1e-3, (3e-4, 3e-3)
EPOCH = 20
"""the perceptron's validation loss after so many epochs is the goal to reach"""
GRADIENTS = WeightGradient()
CUTS = (Lesion(part="recurrent"), Lesion(part="all", gate="f"))
DEAD = (".kernel.f", ".bias.f", ".recurrent.")
"""in the names of the weights that meet a state of 0"""


def name(model: ModelSpec, count: int) -> str:
    """Of the experiment in which a model is trained on ``count`` sequences."""
    return f"{FAMILIES.get(model, 'controls')}, N = {count}"


def swept(rate: float) -> str:
    """The name of the experiment with another learning rate."""
    return f"learning rate {rate:g}"


def most(evidence: Evidence) -> int:
    """The largest training set that the scale has."""
    return MANY if name(ONE_STEP, MANY) in evidence.experiments else FEW


def experiment_of(evidence: Evidence, model: ModelSpec, count: int) -> ExperimentEvidence:
    """The experiment of a model, which a scale may leave out."""
    found = evidence[name(model, count)]
    if model not in found.spec.models:
        raise NotMeasured(f"The {evidence.scale} scale does not train this control; the full scale does.")
    return found


def losses(evidence: Evidence, model: ModelSpec, count: int, task: Regression = PAIRS) -> Floats:
    return experiment_of(evidence, model, count).values("test_loss", model, task=task)


def noted(found: Measured, count: int) -> Measured:
    """With the size of the training set beside it."""
    return replace(found, note=f"N = {count}. {found.note}".strip())


def epochs_saved(count: int) -> Callable[[Evidence], Measured]:
    """20 minus the epochs in which the LSTM reaches what the perceptron of the same repeat had after 20."""

    def measure(evidence: Evidence) -> Measured:
        lstm, mlp = (
            experiment_of(evidence, model, count).epochs("validation_loss", model, task=PAIRS)
            for model in (ONE_STEP, PERCEPTRON)
        )
        goal = mlp[:, EPOCH - 1]
        return median(np.where(np.isfinite(goal), EPOCH - epochs_to_reach(lstm, goal), np.nan))

    return measure


def times_lower(count: int) -> Callable[[Evidence], Measured]:
    return lambda evidence: ratio(losses(evidence, PERCEPTRON, count), losses(evidence, ONE_STEP, count))


def times_faster(evidence: Evidence) -> Measured:
    count = most(evidence)
    lstm, mlp = (experiment_of(evidence, model, count).seconds_per_epoch(model) for model in (ONE_STEP, PERCEPTRON))
    return noted(ratio(lstm, mlp), count)


def readings(evidence: Evidence, *probes: ProbeSpec) -> list[Mapping[str, Any]]:
    """What some probes say of the LSTM, for each teacher."""
    found = evidence[name(ONE_STEP, most(evidence))]
    return [found.probe(each, ONE_STEP, task=task) for task in found.spec.tasks for each in probes]


def dead_gradient(evidence: Evidence) -> Measured:
    """The largest gradient of what meets a state of 0."""
    found = readings(evidence, GRADIENTS)
    norms = [(weight, norm) for reading in found for weight, norm in reading["high"].items() if weight != "all"]
    dead = [norm for weight, norm in norms if any(end in weight for end in DEAD)]
    alive = [norm for weight, norm in norms if not any(end in weight for end in DEAD)]
    return exactly(max(dead), found[0]["n"], f"The least of all other parts is {min(alive):.1g}.")


def dead_weight(evidence: Evidence) -> Measured:
    """The largest move of any answer when what meets a state of 0 is cut."""
    found = readings(evidence, *CUTS)
    return exactly(max(each["high"]["largest_change"] for each in found), found[0]["n"])


def gap_closed(*models: ModelSpec) -> Callable[[Evidence], Measured]:
    """How far models go from the perceptron's test loss down to the LSTM's; the one that goes least."""

    def measure(evidence: Evidence) -> Measured:
        count = most(evidence)
        mlp, lstm = (losses(evidence, model, count) for model in (PERCEPTRON, ONE_STEP))
        found = [share_of_gap(mlp, losses(evidence, model, count), lstm) for model in models]
        return noted(min(found, key=lambda each: each.value), count)

    return measure


def teacher_difference(evidence: Evidence) -> Measured:
    count = most(evidence)
    pairs, tanh_net = (
        (losses(evidence, PERCEPTRON, count, task), losses(evidence, ONE_STEP, count, task))
        for task in (PAIRS, TANH_NET)
    )
    return noted(log_ratio_difference(pairs, tanh_net), count)


def tuned(evidence: Evidence, model: ModelSpec) -> tuple[Floats, float]:
    """A model's test losses at the learning rate of its lowest median validation loss, and that rate."""
    experiments = {RATE: experiment_of(evidence, model, MANY)} | {rate: evidence[swept(rate)] for rate in OTHER_RATES}
    validation = {rate: each.values("validation_loss", model, task=PAIRS) for rate, each in experiments.items()}
    best = min(validation, key=lambda rate: float(np.median(np.nan_to_num(validation[rate], nan=np.inf))))
    return experiments[best].values("test_loss", model, task=PAIRS), best


def times_lower_tuned(evidence: Evidence) -> Measured:
    (mlp, its_rate), (lstm, other_rate) = (tuned(evidence, model) for model in (PERCEPTRON, ONE_STEP))
    return replace(ratio(mlp, lstm), note=f"Best learning rates: MLP {its_rate:g}, LSTM {other_rate:g}.")


def headline(count: int) -> tuple[Claim, ...]:
    """What the question saw, for a size of the training set: its own is not known."""
    few = "-few" if count == FEW else ""
    return (
        Claim(
            f"fewer-epochs{few}",
            f"Trained on {count} sequences, the LSTM reaches in fewer epochs what the MLP has after {EPOCH}.",
            f"{EPOCH} minus the LSTM's epochs to the MLP's validation loss, median over repeats, teacher pairs",
            "at_least",
            1,
            epochs_saved(count),
        ),
        Claim(
            f"ten-times-lower{few}",
            f"Trained on {count} sequences for 100 epochs, the LSTM's loss is about ten times lower than the MLP's.",
            "median test loss of the MLP over the LSTM's, teacher pairs; about ten times is taken as five and more",
            "at_least",
            5,
            times_lower(count),
        ),
    )


def control(id: str, text: str, direction: Direction, *models: ModelSpec) -> Claim:
    """What a control shows of the explanation."""
    metric = "share of the way from the MLP's median test loss down to the LSTM's, in logarithms, teacher pairs"
    return Claim(id, text, metric, direction, 0.5, gap_closed(*models), source="memspan")


class OneStepLSTM(StudySpec):
    """A stack of LSTM layers against tanh layers of the same widths on inputs of one step, and why it differs.

    The question's data are not known, so two teachers stand in for them, with targets of the same variance: sums of
    products, and a random tanh net, which is what an MLP is made for. Test losses are those at the end of training.
    """

    title: ClassVar[str] = "Why does an LSTM with one time step beat an MLP?"
    reference: ClassVar[str] = "stackoverflow.com/questions/63967932 (2020)"
    question: ClassVar[str] = (
        "Why does an LSTM learn faster and better than an MLP of its widths, with nothing to remember?"
    )
    explanation: ClassVar[str] = (
        "In its only step an LSTM has nothing to remember: its forget gate and all its recurrent matrices meet a state "
        "of 0, get no gradient and can be cut out without moving any answer. What is left is a layer whose units are "
        "products of squashed views of the same inputs, so it has three times the MLP's live weights and can multiply, "
        "which helps as far as the target is made of products: that is gating, and no memory."
    )
    claims: ClassVar[tuple[Claim, ...]] = (
        *headline(MANY),
        *headline(FEW),
        Claim(
            "mlp-faster",
            "The MLP trains about three times faster.",
            "median seconds of an epoch, the LSTM's over the MLP's; about three times is taken as two and more",
            "at_least",
            2,
            times_faster,
        ),
        Claim(
            "no-gradient",
            "In one step the forget gates and the recurrent matrices learn nothing.",
            "largest norm of their gradients, over repeats and teachers; exactly 0 is claimed",
            "at_most",
            0,
            dead_gradient,
            source="memspan",
        ),
        Claim(
            "no-effect",
            "Forget gates and recurrent matrices can be cut out of a trained stack, and it answers the same.",
            "largest change of any answer when the ones or the others are set to 0, over repeats and teachers",
            "at_most",
            1e-6,
            dead_weight,
            source="memspan",
        ),
        control("gating-helps", "Gates without any memory close at least half of the gap.", "at_least", GATED),
        control("size-does-not", "As many live weights without gates close less than half of it.", "at_most", MATCHED),
        control(
            "one-gate-is-enough", "With i or with o held at 1, half of it stays closed.", "at_least", OPEN_I, OPEN_O
        ),
        Claim(
            "teacher-decides",
            "How far the LSTM is ahead depends on what is to be learnt: more with products than with a tanh net.",
            "log10 of the MLP's median test loss over the LSTM's, teacher pairs minus teacher tanh_net",
            "at_least",
            0.3,
            teacher_difference,
            source="memspan",
        ),
        Claim(
            "survives-tuning",
            "The LSTM stays ahead when each model has its own best learning rate.",
            "median test loss of the MLP over the LSTM's, best of three learning rates each, teacher pairs",
            "at_least",
            2,
            times_lower_tuned,
            source="memspan",
        ),
    )

    kind: Literal["one-step-lstm"] = "one-step-lstm"


@study(OneStepLSTM)
def experiments(spec: OneStepLSTM) -> Mapping[str, ExperimentSpec]:
    """Both sizes with all controls and other learning rates; in a hurry 1 000 sequences, one control, one rate."""
    full, both = spec.scale == "full", (PAIRS, TANH_NET)
    found: dict[str, ExperimentSpec] = {}
    for count in (MANY, FEW) if full else (FEW,):
        training = trained(count)
        found[name(PERCEPTRON, count)] = ExperimentSpec(tasks=both, models=(PERCEPTRON,), training=training)
        found[name(ONE_STEP, count)] = ExperimentSpec(
            tasks=both, models=(ONE_STEP,), training=training, probes=(GRADIENTS, *CUTS)
        )
        found[name(GATED, count)] = ExperimentSpec(
            tasks=both if full else (PAIRS,), models=CONTROLS if full else (GATED,), training=training
        )
    for rate in OTHER_RATES if full else ():
        found[swept(rate)] = ExperimentSpec(tasks=both, models=(PERCEPTRON, ONE_STEP), training=trained(MANY, rate))
    own = {"repeats": 10 if full else 3, "seed": spec.seed}
    return {key: each.model_copy(update={"name": f"one-step LSTM study: {key}", **own}) for key, each in found.items()}


def trained(count: int, rate: float = RATE) -> Training:
    """On ``count`` sequences, as the question did, so far as it says."""
    return Training(
        optimizer=Adam(learning_rate=rate),
        batch_size=32,
        epochs=100,
        train_size=count,
        validation_size=1_000,
        test_size=10_000,
    )
