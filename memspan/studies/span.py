"""Span: how many steps does each network remember?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence, ExperimentEvidence, NotMeasured
from memspan.claims.measured import Measured
from memspan.claims.memory_span import span_ratio
from memspan.claims.study import StudySpec
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.interfaces.tunable import TuneRate
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.models.tcn import TCN
from memspan.optimizers.adam import Adam
from memspan.statistics.span import Span
from memspan.studies import study
from memspan.tasks.adding import Adding
from memspan.tasks.latch import Latch
from memspan.training import Training, Tuning, Until

UNITS = 8
RNN_8, IRNN_8 = RNN(hidden_size=UNITS), RNN(hidden_size=UNITS, initialization="irnn")
LSTM_8, CHRONO_8 = LSTM(hidden_size=UNITS), LSTM(hidden_size=UNITS, initialization="chrono")
GRU_8 = GRU(hidden_size=UNITS)
TCN_8 = TCN(channels=UNITS, reach=2.0)
ADDING, LATCH = Adding(low=-1.0, high=1.0), Latch()
TASKS: Mapping[str, TaskSpec] = {"adding": ADDING, "latch": LATCH}

RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
"""Adam's learning rates that are tried for every network, task and length, half a decade apart"""
TRIALS = 3
"""runs by which each rate is judged, none of which enters a span"""

RECURRENT, CONVOLUTIONAL = "recurrent networks", "tcn"
MODELS: Mapping[str, tuple[ModelSpec, ...]] = {
    RECURRENT: (RNN_8, IRNN_8, LSTM_8, CHRONO_8, GRU_8),
    CONVOLUTIONAL: (TCN_8,),
}
QUICK = (3, 5, 10, 20, 40)
FULL = (3, 5, 10, 20, 50, 150, 500, 1000)
"""two or three lengths a decade, with those that the claims name among them, and one below"""
FEW = (10, 50)
"""the TCN takes ten to a hundred times as long to train"""


def trained() -> Training:
    """At most 8 000 steps on batches of 32: the published budget of the adding problem at T = 100 with eight units.

    A run ends before where it has solved its task or no longer improves.

    Source:
        github.com/npow/schmidhuber-problems, adding-problem: Adam, halved every 1 500 steps, clipped at a norm of 1.
    """
    return Training(
        optimizer=Adam(learning_rate=TuneRate(tune=RATES)),
        tuning=Tuning(repeats=TRIALS),
        batch_size=32,
        epochs=Until(until="converged", at_most=16),
        train_size=16_000,
        clip_norm=1.0,
        halve_every=1_500,
    )


def experiment_of(evidence: Evidence, model: ModelSpec) -> ExperimentEvidence:
    """The experiment that a model is in."""
    return evidence[CONVOLUTIONAL if model == TCN_8 else RECURRENT]


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
    """Memory spans of six networks of eight units on two tasks, each trained by rates that were chosen for it.

    For every network, task and length the learning rate is chosen by runs that enter nothing else; the reported ones
    go on until they have solved the task or no longer improve, for 8 000 training steps at most. A span says what a
    network learns to remember within that, and no more.
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
    """The recurrent networks and the TCN; in a hurry three repeats, short sequences and no TCN."""
    full = spec.scale == "full"
    return {
        name: ExperimentSpec(
            name=f"span study: {name}",
            tasks=tuple(TASKS.values()),
            models=models,
            lengths=(FEW if name == CONVOLUTIONAL else FULL) if full else QUICK,
            training=trained(),
            repeats=(5 if name == CONVOLUTIONAL else 10) if full else 3,
            seed=spec.seed,
        )
        for name, models in MODELS.items()
        if full or name == RECURRENT
    }
