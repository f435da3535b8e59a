"""Span: how many steps does each network remember?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Literal

from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence, ExperimentEvidence, NotMeasured
from memspan.claims.measured import Measured
from memspan.claims.memory_span import span_ratio
from memspan.claims.study import StudySpec
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.models.tcn import TCN
from memspan.optimizers.adam import Adam
from memspan.statistics.span import Span
from memspan.studies import study
from memspan.tasks.adding import Adding
from memspan.tasks.latch import Latch
from memspan.training import Training

UNITS = 8
RNN_8, IRNN_8 = RNN(hidden_size=UNITS), RNN(hidden_size=UNITS, initialization="irnn")
LSTM_8, CHRONO_8 = LSTM(hidden_size=UNITS), LSTM(hidden_size=UNITS, initialization="chrono")
GRU_8 = GRU(hidden_size=UNITS)
TCN_8 = TCN(channels=UNITS, reach=2.0)
NAMES: Mapping[ModelSpec, str] = {
    RNN_8: "rnn",
    IRNN_8: "irnn",
    LSTM_8: "lstm",
    CHRONO_8: "chrono lstm",
    GRU_8: "gru",
    TCN_8: "tcn",
}
ADDING, LATCH = Adding(low=-1.0, high=1.0), Latch()
TASKS: Mapping[str, TaskSpec] = {"adding": ADDING, "latch": LATCH}

RATES: Mapping[ModelSpec, float] = {
    RNN_8: 1e-2,
    IRNN_8: 3e-3,
    LSTM_8: 1e-2,
    CHRONO_8: 1e-2,
    GRU_8: 1e-2,
    TCN_8: 1e-2,
}
"""Adam's learning rate of each model on both tasks, chosen before the study was run: of 3e-4, 1e-3, 3e-3 and 1e-2 the
one with the least median validation loss on the adding problem at T = 50, five repeats with a seed of their own,
the study's training otherwise. ``python -m benchmarks rates`` prints the losses."""

QUICK = (3, 5, 10, 18, 32, 56)
FULL = (3, 5, 10, 18, 32, 56, 100, 178, 316, 562, 1000)
"""four lengths a decade from 10 to 1 000, and two shorter ones for networks that don't get that far"""
WIDE = (10, 100, 1000)
"""one length a decade: the TCN takes ten to a hundred times as long to train"""


def trained(rate: float) -> Training:
    """8 000 steps on batches of 32: the published budget of the adding problem at T = 100 with eight units.

    Source:
        github.com/npow/schmidhuber-problems, adding-problem: Adam, halved every 1 500 steps, clipped at a norm of 1.
    """
    return Training(
        optimizer=Adam(learning_rate=rate),
        batch_size=32,
        epochs=8,
        train_size=32_000,
        clip_norm=1.0,
        halve_every=1_500,
    )


def experiment_of(evidence: Evidence, model: ModelSpec) -> ExperimentEvidence:
    """The experiment that a model is in."""
    return evidence[named(alike(model))]


def alike(model: ModelSpec) -> tuple[ModelSpec, ...]:
    """The models that share an experiment: those of one learning rate; the TCN has other lengths, so one of its own."""
    if model == TCN_8:
        return (TCN_8,)
    return tuple(each for each in RATES if each != TCN_8 and RATES[each] == RATES[model])


def named(models: Sequence[ModelSpec]) -> str:
    """An experiment by its models and their rate."""
    return f"{', '.join(NAMES[model] for model in models)} at rate {RATES[models[0]]:g}"


def reaches(model: ModelSpec, task: str, steps: int) -> Callable[[Evidence], Measured]:
    """A model's memory span, asked whether it reaches some steps."""

    def measure(evidence: Evidence) -> Measured:
        found = experiment_of(evidence, model)
        span, longest = found.span(model, TASKS[task]), max(place.extent for place in found.grid)
        if longest < steps and span.high >= longest:
            raise NotMeasured(
                f"The memory span may reach beyond {longest} steps, the longest that the {evidence.scale} scale tests."
            )
        return span

    return measure


def ratio(first: tuple[ModelSpec, str], second: tuple[ModelSpec, str]) -> Callable[[Evidence], Measured]:
    """How many times farther one model remembers on a task than another one, or than itself on another task."""

    def measure(evidence: Evidence) -> Measured:
        repeats = min(experiment_of(evidence, model).spec.repeats for model, _ in (first, second))
        return span_ratio(_span(evidence, *first), _span(evidence, *second), repeats)

    return measure


def _span(evidence: Evidence, model: ModelSpec, task: str) -> Span:
    return experiment_of(evidence, model).memory_span(model, TASKS[task])


SPAN = "length in steps that half of the repeats solve: error of 1 % of the variance (adding) or 1 % errors (latch)"


def of_a_task(task: str) -> tuple[Claim, ...]:
    """What is said of networks in general, asked of one task."""
    where = {"adding": "On the adding problem", "latch": "On latch"}[task]
    return (
        Claim(
            f"rnn-no-more-than-20-{task}",
            f"{where} a plain RNN remembers about 10 steps: no more than 20.",
            SPAN,
            "at_most",
            20,
            reaches(RNN_8, task, 20),
        ),
        Claim(
            f"rnn-no-less-than-5-{task}",
            f"{where} a plain RNN remembers about 10 steps: no less than 5.",
            SPAN,
            "at_least",
            5,
            reaches(RNN_8, task, 5),
        ),
        Claim(
            f"lstm-up-to-1000-{task}",
            f"{where} an LSTM remembers up to 1000 steps: no less than 500.",
            SPAN,
            "at_least",
            500,
            reaches(LSTM_8, task, 500),
        ),
        Claim(
            f"irnn-like-lstm-{task}",
            f"{where} an IRNN remembers as far as an LSTM, or at least half as far.",
            "memory span of the IRNN over the LSTM's",
            "at_least",
            0.5,
            ratio((IRNN_8, task), (LSTM_8, task)),
        ),
        Claim(
            f"chrono-farther-{task}",
            f"{where} an LSTM with chrono initialisation remembers farther than a plain one.",
            "memory span of the chrono LSTM over the plain LSTM's",
            "at_least",
            1.1,
            ratio((CHRONO_8, task), (LSTM_8, task)),
            source="memspan",
        ),
    )


class SpanStudy(StudySpec):
    """Memory spans of six networks of eight units on two tasks, at one budget of 8 000 training steps.

    One learning rate for each network, fixed beforehand; a span says what a network learns to remember within the
    budget, and no more.
    """

    title: ClassVar[str] = "How many steps does each network remember?"
    reference: ClassVar[str] = (
        "the sayings that RNNs remember about 10 steps and LSTMs up to 1000; irnn: Le, Jaitly & Hinton (2015), "
        "arXiv 1504.00941; chrono: Tallec & Ollivier (2018), arXiv 1804.11188"
    )
    question: ClassVar[str] = "How long may a sequence grow before a network no longer learns what lies at its start?"
    explanation: ClassVar[str] = (
        "A gradient that travels back through T steps is a product of T factors, so what a network finds out about the "
        "start depends on how near to 1 its initial weights hold these factors, and a start that fits the length "
        "(identity, or gates with long time constants) reaches farther than the kind of the cell. A memory span "
        "therefore belongs to a network together with its start, its task and its training budget, and a single "
        "number for all RNNs or all LSTMs can't be right."
    )
    claims: ClassVar[tuple[Claim, ...]] = (
        *of_a_task("adding"),
        *of_a_task("latch"),
        Claim(
            "task-decides",
            "How far a plain RNN remembers depends on the task: on latch twice as far as on the adding problem.",
            "memory span of the RNN on latch over that on the adding problem",
            "at_least",
            2,
            ratio((RNN_8, "latch"), (RNN_8, "adding")),
            source="memspan",
        ),
    )

    kind: Literal["span"] = "span"


@study(SpanStudy)
def experiments(spec: SpanStudy) -> Mapping[str, ExperimentSpec]:
    """One experiment for each learning rate; in a hurry three repeats, short sequences and no TCN."""
    full = spec.scale == "full"
    groups = dict.fromkeys(alike(model) for model in RATES if full or model != TCN_8)
    return {
        named(models): ExperimentSpec(
            name=f"span study: {named(models)}",
            tasks=tuple(TASKS.values()),
            models=models,
            lengths=(WIDE if TCN_8 in models else FULL) if full else QUICK,
            training=trained(RATES[models[0]]),
            repeats=(5 if TCN_8 in models else 10) if full else 3,
            seed=spec.seed,
        )
        for models in groups
    }
