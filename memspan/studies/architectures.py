"""Architectures: which of today's sequence models recalls, copies, compresses and memorizes at one size?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence, ExperimentEvidence, NotMeasured
from memspan.claims.measured import Floats, Measured, bootstrapped
from memspan.claims.study import PublishedStudySpec
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.match import Match
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.interfaces.tunable import TuneRate, TuneShrinkage
from memspan.models.attention import Attention
from memspan.models.delta_net import DeltaNet
from memspan.models.gated_linear_attention import GatedLinearAttention
from memspan.models.gru import GRU
from memspan.models.hyena import Hyena
from memspan.models.lstm import LSTM
from memspan.models.mamba import Mamba
from memspan.models.mlstm import MLSTM
from memspan.models.s4d import S4D
from memspan.models.slstm import SLSTM
from memspan.optimizers.adam import Adam
from memspan.optimizers.adamw import AdamW
from memspan.studies import study
from memspan.tasks.compression import Compression
from memspan.tasks.fuzzy_recall import FuzzyRecall
from memspan.tasks.memorization import Memorization
from memspan.tasks.noisy_recall import NoisyRecall
from memspan.tasks.selective_copy import SelectiveCopy
from memspan.training import Training, Tuning, Until

STEPS = 32
"""of each sequence: those of MAD's compression and memorization, a quarter or less of its other tasks'"""
RECALL = NoisyRecall(noise=0, noise_tokens=0, vocabulary=32)
"""MAD's in-context recall: without noise"""
NOISY = NoisyRecall(noise=0.4, noise_tokens=16, vocabulary=48)
FUZZY = FuzzyRecall(key_size=2, value_size=2, vocabulary=16)
COPY, SQUEEZE, TABLE = SelectiveCopy(), Compression(), Memorization(vocabulary=128)
TASKS: Mapping[str, TaskSpec] = {
    "recall": RECALL,
    "noisy recall": NOISY,
    "fuzzy recall": FUZZY,
    "selective copying": COPY,
    "compression": SQUEEZE,
    "memorization": TABLE,
}
RECALLS = ("recall", "noisy recall", "fuzzy recall")

CONVOLUTION = 4
"""steps of the short convolution that Mamba comes with; attention, DeltaNet and linear attention have one, too"""
MODELS: Mapping[str, ModelSpec] = {
    "attention": Attention(layers=1, short_convolution=CONVOLUTION),
    "delta_net": DeltaNet(layers=1, short_convolution=CONVOLUTION),
    "gated_linear_attention": GatedLinearAttention(layers=1, decay="head", short_convolution=CONVOLUTION),
    "mamba": Mamba(layers=1, state_size=8),
    "s4d": S4D(layers=1),
    "lstm": LSTM(),
}
HURRIED = ("attention", "delta_net")
PARAMETERS, STATE = "equal parameters", "equal states"
MATCHES = {PARAMETERS: Match(inner_parameters=4_640), STATE: Match(state_size=290)}
PUBLISHED_TASKS: Mapping[int, tuple[TaskSpec, ...]] = {
    128: (
        NoisyRecall(noise=0, noise_tokens=0, vocabulary=16),
        NoisyRecall(noise=0.2, noise_tokens=16, vocabulary=32),
        FuzzyRecall(key_size=3, value_size=3, vocabulary=16),
    ),
    256: (SelectiveCopy(letters=16, places="published"),),
    32: (Compression(), Memorization()),
}
"""by steps of a sequence"""
PUBLISHED_MODELS: tuple[ModelSpec, ...] = (
    *(model.model_copy(update={"layers": 2}) for kind, model in MODELS.items() if kind != "lstm"),
    MLSTM(),
    SLSTM(),
    Hyena(),
    LSTM(),
    GRU(),
)
RATES = (3e-3, 1e-2, 3e-2)
TRIALS = 3
"""runs by which each rate is judged"""


def accuracy(found: ExperimentEvidence, kind: str, task: str) -> Floats:
    """Of each reported run of a model; one that diverged counts as a guess."""
    model = next((model for model in found.spec.models if model.kind == kind), None)
    if model is None:
        raise NotMeasured(f"The experiment {found.name!r} has no {kind} at this scale.")
    guess = next(each.value for each in TASKS[task].baselines(STEPS) if each.name == "chance")
    scored = found.values("test_accuracy", model, STEPS, TASKS[task])
    return np.where(np.isfinite(scored), scored, guess)


def mean_accuracy(match: str, kind: str, tasks: Sequence[str]) -> Callable[[Evidence], Measured]:
    """A model's accuracy, mean over tasks."""

    def measure(evidence: Evidence) -> Measured:
        found = evidence[match]
        return bootstrapped(_mean, *(accuracy(found, kind, task) for task in tasks))

    return measure


def lead(match: str, first: str, second: str, tasks: Sequence[str]) -> Callable[[Evidence], Measured]:
    """How much more of its answers the first model has right than the second, mean over tasks."""

    def measure(evidence: Evidence) -> Measured:
        found = evidence[match]
        groups = [accuracy(found, kind, task) for kind in (first, second) for task in tasks]
        return bootstrapped(_lead, *groups)

    return measure


def lost_lead(first: str, second: str) -> Callable[[Evidence], Measured]:
    """By how much the first model's lead over all tasks is smaller with equal states than with equal parameters."""

    def measure(evidence: Evidence) -> Measured:
        groups = [
            accuracy(evidence[match], kind, task)
            for match in (PARAMETERS, STATE)
            for kind in (first, second)
            for task in TASKS
        ]
        half = len(groups) // 2
        return bootstrapped(lambda *each: _lead(*each[:half]) - _lead(*each[half:]), *groups)

    return measure


def spread(match: str, task: str) -> Callable[[Evidence], Measured]:
    """The best model's mean accuracy less the worst one's."""

    def measure(evidence: Evidence) -> Measured:
        means = [accuracy(evidence[match], kind, task) for kind in MODELS]
        return bootstrapped(lambda *each: np.ptp([group.mean(-1) for group in each], axis=0), *means)

    return measure


def _mean(*groups: Floats) -> Floats:
    """Over the last axis of each group, then over the groups."""
    found: Floats = np.mean([group.mean(-1) for group in groups], axis=0)
    return found


def _lead(*groups: Floats) -> Floats:
    """Of the first half of the groups over the second."""
    half = len(groups) // 2
    return _mean(*groups[:half]) - _mean(*groups[half:])


class ArchitecturesStudy(PublishedStudySpec):
    """Six models of one size on MAD's six tasks, each at a learning rate that was chosen for it.

    Once all have as many parameters (without embedding and read-out), once as many numbers of state at the end of a
    sequence. Rates are chosen by runs that enter nothing else; reported runs go on until they have solved the task or
    no longer improve.
    """

    title: ClassVar[str] = "Which architecture recalls, copies, compresses and memorizes?"
    reference: ClassVar[str] = (
        "Poli et al. (2024), MAD, arXiv 2403.17844, github.com/athms/mad-lab; Arora et al. (2023), Zoology, "
        "arXiv 2312.04927; Arora et al. (2024), Based, arXiv 2402.18668"
    )
    question: ClassVar[str] = "Which sequence model does best on small tasks of memory, and does its size decide?"
    explanation: ClassVar[str] = (
        "Attention keeps every step it has seen, so its state grows with the sequence, while recurrent models must "
        "pack the past into a state of a fixed size, which costs few parameters where it is a matrix and many where it "
        "is a vector. Whether models are compared at equal parameters or at equal states therefore decides which of "
        "them is given more memory."
    )
    claims: ClassVar[tuple[Claim, ...]] = (
        Claim(
            "attention-recalls",
            "Attention recalls what was shown in the sequence: it has nine answers in ten right.",
            "accuracy of attention on in-context recall, equal parameters",
            "at_least",
            0.9,
            mean_accuracy(PARAMETERS, "attention", ("recall",)),
            source="arXiv 2312.04927",
        ),
        Claim(
            "lstm-recalls-less",
            "An LSTM recalls less than attention of as many parameters: by .1 or more.",
            "accuracy of attention less that of the LSTM, mean of three recall tasks, equal parameters",
            "at_least",
            0.1,
            lead(PARAMETERS, "attention", "lstm", RECALLS),
            source="arXiv 2312.04927",
        ),
        Claim(
            "state-decides-recall",
            "What is recalled is a matter of the state: of equal states attention recalls no better than a DeltaNet.",
            "accuracy of attention less that of the DeltaNet, mean of three recall tasks, equal states",
            "at_most",
            0.05,
            lead(STATE, "attention", "delta_net", RECALLS),
            source="arXiv 2402.18668",
        ),
        Claim(
            "correcting-beats-fading",
            "A matrix whose keys correct what it holds recalls better than one that only fades, of equal states.",
            "accuracy of the DeltaNet less that of gated linear attention, mean of three recall tasks, equal states",
            "at_least",
            0.05,
            lead(STATE, "delta_net", "gated_linear_attention", RECALLS),
            source="arXiv 2406.06484 and 2412.06464",
        ),
        Claim(
            "selection-copies",
            "A state space that selects what it keeps copies selectively, a fixed one does not: .2 or more apart.",
            "accuracy of Mamba less that of S4D on selective copying, equal parameters",
            "at_least",
            0.2,
            lead(PARAMETERS, "mamba", "s4d", ("selective copying",)),
            source="arXiv 2312.00752",
        ),
        Claim(
            "weights-memorize",
            "A table is held by weights, whatever the architecture: the best is at most .1 ahead of the worst.",
            "accuracy of the best model less that of the worst on memorization, equal parameters",
            "at_most",
            0.1,
            spread(PARAMETERS, "memorization"),
            source="memspan",
        ),
        Claim(
            "size-decides",
            "What is held equal decides: of equal states attention's lead over the LSTM is smaller by .1 or more.",
            "lead of attention over the LSTM, mean of six tasks: at equal parameters less at equal states",
            "at_least",
            0.1,
            lost_lead("attention", "lstm"),
            source="memspan",
        ),
    )

    kind: Literal["architectures"] = "architectures"


def trained(steps: int, rates: Sequence[float], tries: int) -> Training:
    """So many steps at most, on new sequences at every one; ``tries`` runs of each rate choose one."""
    return Training(
        optimizer=Adam(learning_rate=TuneRate(tune=tuple(rates))),
        tuning=Tuning(repeats=tries),
        batch_size=32,
        train_size=50 * 32,
        validation_size=256,
        test_size=1_024,
        epochs=Until(until="converged", at_most=steps // 50),
        data="fresh",
        clip_norm=1.0,
    )


@study(ArchitecturesStudy)
def experiments(spec: ArchitecturesStudy) -> Mapping[str, ExperimentSpec]:
    """All models by both matches; in a hurry two of them, and fewer steps; what is published takes a GPU."""
    if spec.scale == "published":
        return published(spec)
    full = spec.scale == "full"
    return {
        name: ExperimentSpec(
            name=f"architectures study: {name}",
            tasks=tuple(TASKS.values()),
            models=tuple(MODELS[kind].model_copy(update={"match": match}) for kind in (MODELS if full else HURRIED)),
            lengths=(STEPS,),
            training=trained(300, RATES, TRIALS) if full else trained(100, RATES[:2], 1),
            repeats=5 if full else 3,
            seed=spec.seed,
        )
        for name, match in MATCHES.items()
    }


def published(spec: ArchitecturesStudy) -> Mapping[str, ExperimentSpec]:
    """MAD's six tasks at its sizes, and ten models of two blocks with as many parameters as attention of width 128.

    Fixed training sets as there; but rates and decays are chosen by runs that are not reported, and rates are constant.

    Source:
        github.com/athms/mad-lab, configs/tasks: 12 800 sequences, 200 epochs, batches of 128; three rates, two decays
    """
    training = Training(
        optimizer=AdamW(learning_rate=TuneRate(tune=(1e-4, 5e-4, 1e-3)), weight_decay=0.0),
        weight_decay=TuneShrinkage(tune=(0.0, 0.1)),
        tuning=Tuning(repeats=TRIALS),
        batch_size=128,
        train_size=12_800,
        validation_size=1_280,
        test_size=1_280,
        epochs=Until(until="converged", at_most=200),
    )
    return {
        f"{steps} steps": ExperimentSpec(
            name=f"architectures study: {steps} steps",
            tasks=tasks,
            models=PUBLISHED_MODELS,
            match=Match(inner_parameters=2 * 4 * 128**2),
            lengths=(steps,),
            training=training,
            repeats=5,
            seed=spec.seed,
            device="gpu",
        )
        for steps, tasks in PUBLISHED_TASKS.items()
    }
