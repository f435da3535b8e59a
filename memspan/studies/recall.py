"""Recall: which value stood behind this key, and who can tell?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence, ExperimentEvidence, NotMeasured, RecallByLag
from memspan.claims.measured import Floats, Measured, bootstrapped, difference, mean, rate
from memspan.claims.needed_size import growth
from memspan.claims.study import PublishedStudySpec
from memspan.claims.tuned_rates import best_rate, window_difference
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.match import Match
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.schedule import Schedule
from memspan.interfaces.tunable import TuneRate
from memspan.models.attention import Attention
from memspan.models.delta_net import DeltaNet
from memspan.models.gated_linear_attention import GatedLinearAttention
from memspan.models.gru import GRU
from memspan.models.hyena import Hyena
from memspan.models.lstm import LSTM
from memspan.models.mamba import Mamba
from memspan.optimizers.adam import Adam
from memspan.optimizers.adamw import AdamW
from memspan.studies import study
from memspan.tasks.recall import Recall
from memspan.training import Training, Tuning

STEPS = 32
"""of each sequence"""
TWO, FOUR, EIGHT = (Recall(pairs=pairs) for pairs in (2, 4, 8))
AT_ANY_LAG = Recall(pairs=4, power=1.0, shuffled=True)
CHANCE = 1 / FOUR.values

CONVOLVED = Attention(positions="none", short_convolution=4, embedding_std=1.0)
CONVOLVED_1 = CONVOLVED.model_copy(update={"layers": 1})
LEARNED, LEARNED_1 = Attention(positions="learned"), Attention(positions="learned", layers=1)
LEARNED_LOUD = Attention(positions="learned", embedding_std=1.0)
WINDOWED = Attention(window=8)
REACH = 15
"""steps that two blocks of WINDOWED see together"""
SHORT = 6
"""lags at which two short convolutions of four steps bring key and value together by themselves"""
DELTA = DeltaNet(layers=1, embedding_std=1.0)
MAMBA_1, MAMBA_2 = (Mamba(layers=layers, state_size=16 // layers, embedding_std=1.0) for layers in (1, 2))
LSTM_32, GRU_32 = LSTM(hidden_size=32), GRU(hidden_size=32)

WIDTHS = {width: CONVOLVED.model_copy(update={"hidden_size": width}) for width in (16, 32, 64)}
KEYS = (2, 4, 8, 16, 32)
KEYED = {size: DELTA.model_copy(update={"key_size": size}) for size in KEYS}
LINEAR = (
    DeltaNet(layers=1, embedding_std=1.0),
    GatedLinearAttention(layers=1, decay="head", short_convolution=4, embedding_std=1.0),
    Mamba(layers=1, state_size=8, embedding_std=1.0),
)
MATCHES = {
    "small, 400 numbers of state": Match(state_size=400),
    "small, 1940 inner parameters": Match(inner_parameters=1_940),
}
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03)
"""half a decade apart, the same for every model that is tuned"""


def whole(evidence: Evidence, name: str) -> ExperimentEvidence:
    """An experiment whose claims are about the budget of the full scale."""
    found = evidence[name]
    if evidence.scale == "quick":
        steps = found.spec.training.most_epochs * found.spec.training.steps_per_epoch
        raise NotMeasured(f"The quick scale trains {name!r} for {steps} steps, too few for the claim.")
    return found


def accuracy(found: ExperimentEvidence, model: ModelSpec, task: Recall | None = None) -> Floats:
    """Of each reported run; one that diverged counts as chance."""
    return found.scores("test_accuracy", CHANCE, model, task)


def solved(pairs: Recall) -> Callable[[Evidence], Measured]:
    return lambda evidence: rate(evidence["pairs"].solved(CONVOLVED, STEPS, pairs))


def change(experiment: str, model: ModelSpec) -> Callable[[Evidence], Measured]:
    """By how much the mean accuracy differs between four and eight pairs, either way."""

    def measure(evidence: Evidence) -> Measured:
        groups = [accuracy(evidence[experiment], model, task) for task in (FOUR, EIGHT)]
        return bootstrapped(lambda x, y: np.abs(x.mean(-1) - y.mean(-1)), *groups)

    return measure


def worst_width(evidence: Evidence) -> Measured:
    """The mean accuracy at the width that does worst."""
    found = {width: evidence["pairs" if width == CONVOLVED.hidden_size else "widths"] for width in WIDTHS}
    groups = [accuracy(found[width], model, EIGHT) for width, model in WIDTHS.items()]
    return bootstrapped(lambda *each: np.min([x.mean(-1) for x in each], axis=0), *groups)


def wider_keys(evidence: Evidence) -> Measured:
    """Mean accuracy at eight pairs by the widest keys minus that by keys of four numbers."""
    found = evidence["key sizes"]
    return difference(accuracy(found, KEYED[32], EIGHT), accuracy(found, KEYED[4], EIGHT))


def grown_keys(evidence: Evidence) -> Measured:
    """Doublings of the key size that half of the runs need, for each doubling of the pairs."""
    found, tasks = evidence["key sizes"], (TWO, FOUR, EIGHT)
    good = [[accuracy(found, KEYED[size], task) >= 0.9 for size in KEYS] for task in tasks]
    return growth(KEYS, [task.pairs for task in tasks], good)


def untuned(model: ModelSpec) -> Callable[[Evidence], Measured]:
    return lambda evidence: best_rate(whole(evidence, "cells"), model, CHANCE)


def tuned(model: ModelSpec) -> Callable[[Evidence], Measured]:
    return lambda evidence: mean(accuracy(whole(evidence, "rates"), model))


def wider(first: ModelSpec, second: ModelSpec) -> Callable[[Evidence], Measured]:
    return lambda evidence: window_difference(whole(evidence, "rates"), first, second)


def ahead(experiment: str) -> Callable[[Evidence], Measured]:
    """Mean accuracy of the delta rule minus that of the best of the others."""

    def measure(evidence: Evidence) -> Measured:
        found = evidence[experiment]
        first, *others = (accuracy(found, model) for model in found.spec.models)
        return bootstrapped(lambda x, *rest: x.mean(-1) - np.max([y.mean(-1) for y in rest], axis=0), first, *others)

    return measure


def beyond_the_window(evidence: Evidence) -> Measured:
    """By how much accuracy exceeds the bound of the window, in the bin of lags in which it does most."""
    found = evidence["lags"].by_lag(WINDOWED)
    bounds = np.array([AT_ANY_LAG.best_by_lag(lag, REACH) for lag in found.first])
    return bootstrapped(lambda *bins: np.max([x.mean(-1) for x in bins], axis=0), *(found.accuracies - bounds).T)


def forgotten(evidence: Evidence) -> Measured:
    """Mean accuracy at the shortest lags beyond the convolutions' reach minus that at the longest ones."""
    found: RecallByLag = evidence["lags"].by_lag(CONVOLVED)
    first = next(place for place, lag in enumerate(found.first) if lag > SHORT)
    return bootstrapped(
        lambda x, y: x.mean(-1) - y.mean(-1), found.accuracies[:, first], found.accuracies[:, -1], paired=True
    )


ACCURACY = "mean test accuracy of the reported runs, each model at the rate that was tuned for it"
DECADES = "decades of rates at which half of the runs have .9 right: {} minus {}, by seeds"
OURS = "memspan"
ZOOLOGY, WINDOWS, DELTA_RULE = "arXiv 2312.04927", "arXiv 2508.19029", "arXiv 2406.06484, 2412.06464"
Said = tuple[str, str, str, Literal["at_least", "at_most"], float, Callable[[Evidence], Measured], str]
WITHIN = "Two blocks of attention with a short convolution solve {} pairs within 600 steps at a rate of .01."
SAID: tuple[Said, ...] = (
    ("attention-solves-4", WITHIN.format(4), "share of repeats solved", "at_least", 0.8, solved(FOUR), OURS),
    ("attention-solves-8", WITHIN.format(8), "share of repeats solved", "at_least", 0.8, solved(EIGHT), OURS),
    ("attention-same-at-8", "Attention with a short convolution recalls 8 pairs as well as 4.",
     "difference of mean test accuracies, either way", "at_most", 0.02, change("pairs", CONVOLVED), OURS),
    ("attention-at-every-width", "Two blocks of attention solve recall at every width tried: 16, 32 and 64.",
     "mean test accuracy at 8 pairs, of the width that does worst", "at_least", 0.99, worst_width, ZOOLOGY),
    ("delta-needs-keys", "Gated DeltaNet with keys of 4 numbers recalls 8 pairs worse than with keys of 32.",
     "mean test accuracy at key size 32 minus that at 4", "at_least", 0.05, wider_keys, OURS),
    ("delta-same-at-8", "With keys of 32 numbers Gated DeltaNet recalls 8 pairs as well as 4.",
     "difference of mean test accuracies, either way", "at_most", 0.02, change("key sizes", KEYED[32]), OURS),
    ("state-grows-with-pairs", "The state that recall needs grows with the pairs.",
     "doublings of the key size at which half of the runs have .9 right, for each doubling of the pairs (2, 4, 8)",
     "at_least", 0.1, grown_keys, "arXiv 2402.18668"),
    ("lstm-below-half", "An LSTM of 32 units recalls less than half of 4 pairs after 1500 steps, at any rate tried.",
     "largest mean validation accuracy over the rates", "at_most", 0.5, untuned(LSTM_32), OURS),
    ("gru-below-half", "A GRU of 32 units recalls less than half of 4 pairs after 1500 steps, at any rate tried.",
     "largest mean validation accuracy over the rates", "at_most", 0.5, untuned(GRU_32), OURS),
    ("one-block-guesses", "One block of attention without a convolution guesses among the values that were shown.",
     f"{ACCURACY}; knowing the set gives .25", "at_most", 0.35, tuned(LEARNED_1), WINDOWS),
    ("one-block-convolved", "One block of attention with a short convolution recalls.",
     ACCURACY, "at_least", 0.95, tuned(CONVOLVED_1), OURS),
    ("one-block-delta", "One block of Gated DeltaNet recalls.", ACCURACY, "at_least", 0.95, tuned(DELTA), OURS),
    ("one-block-mamba", "One block of Mamba recalls where its rate is tuned.",
     ACCURACY, "at_least", 0.9, tuned(MAMBA_1), WINDOWS),
    ("two-mambas-below-one", "Two blocks of Mamba have a narrower window of rates than one with as much state.",
     DECADES.format("one block", "two"), "at_least", 0.5, wider(MAMBA_1, MAMBA_2), OURS),
    ("two-mambas-below-attention", "Two blocks of Mamba have a narrower window of rates than attention.",
     DECADES.format("two blocks of attention with a short convolution", "two of Mamba"), "at_least", 0.5,
     wider(CONVOLVED, MAMBA_2), OURS),
    ("embedding-decides", "An embedding that starts ten times smaller widens attention's window of rates.",
     DECADES.format("two blocks with learnt positions and embedding_std .1", "with 1"), "at_least", 0.5,
     wider(LEARNED, LEARNED_LOUD), OURS),
    ("mamba-narrower", "Recurrent models recall in a narrower window of rates than Transformers: Mamba.",
     DECADES.format("two blocks of attention with a short convolution", "one of Mamba"), "at_least", 0.5,
     wider(CONVOLVED, MAMBA_1), WINDOWS),
    ("delta-narrower", "Recurrent models recall in a narrower window of rates than Transformers: Gated DeltaNet.",
     DECADES.format("two blocks of attention with a short convolution", "one of Gated DeltaNet"), "at_least", 0.5,
     wider(CONVOLVED, DELTA), WINDOWS),
    ("within-the-window", "Two blocks of attention with windows of 8 recall no farther than 15 steps, all they see.",
     "mean test accuracy minus the most that 15 steps allow, in the bin of lags in which it is largest",
     "at_most", 0.05, beyond_the_window, OURS),
    ("attention-does-not-forget", "Attention recalls what lies far back as well as what lies near.",
     "mean test accuracy at lags of 7 to 8 steps minus that at the longest", "at_most", 0.02, forgotten, OURS),
    *((f"delta-best-by-{what}", f"Of small linear models of {text}, the delta rule recalls best.",
       "mean test accuracy at 8 pairs of Gated DeltaNet minus that of the best of the others, each at its tuned rate",
       "at_least", 0.05, ahead(name), DELTA_RULE)
      for what, text, name in zip(("state", "parameters"), ("one state size", "one number of parameters"), MATCHES,
                                  strict=True)),
)  # fmt: skip


class RecallStudy(PublishedStudySpec):
    """Associative recall by attention and by what has a state of fixed size: width, state, and learning rates.

    Every model is trained on new sequences at every step, at a constant rate, its gradient clipped at a norm of 1.
    """

    title: ClassVar[str] = "Who recalls, and at which learning rates?"
    reference: ClassVar[str] = (
        "Arora et al. (2023), Zoology, arXiv 2312.04927; Arora et al. (2024), Based, arXiv 2402.18668; arXiv "
        "2508.19029 (learning rates); Yang et al. (2024), DeltaNet, arXiv 2406.06484"
    )
    question: ClassVar[str] = "Who recalls which value stood behind a key, at which width, state and learning rates?"
    explanation: ClassVar[str] = (
        "To recall, a model must bring each value together with its key, which takes a short convolution or a block of "
        "its own, and then keep them apart from all other pairs, for which attention has room that grows with the "
        "sequence and a matrix has as much as its keys are wide. Training first learns which values were shown and "
        "rests there, at one in so many pairs, so whether a model seems able to recall is decided by the steps, the "
        "learning rate and the start that it was given."
    )
    claims: ClassVar[tuple[Claim, ...]] = tuple(Claim(*said) for said in SAID)

    kind: Literal["recall"] = "recall"


def trained(steps: int, rates: Sequence[float], tries: int = 0) -> Training:
    """So many steps on new sequences; of several rates one is chosen by ``tries`` runs of each."""
    chosen = TuneRate(tune=tuple(rates)) if len(rates) > 1 else rates[0]
    return Training(
        optimizer=Adam(learning_rate=chosen),
        batch_size=32,
        train_size=3_200,
        validation_size=256,
        test_size=2_000,
        epochs=steps // 100,
        data="fresh",
        clip_norm=1.0,
        tuning=Tuning(repeats=tries) if len(rates) > 1 else None,
    )


def asked(
    spec: RecallStudy,
    models: Sequence[ModelSpec],
    tasks: Sequence[Recall],
    training: Training,
    repeats: int,
    match: Match | None = None,
) -> ExperimentSpec:
    """An experiment of sequences of 32 steps."""
    return ExperimentSpec(
        tasks=tuple(tasks), models=tuple(models), match=match, lengths=(STEPS,), training=training, repeats=repeats,
        seed=spec.seed,
    )  # fmt: skip


@study(RecallStudy)
def experiments(spec: RecallStudy) -> Mapping[str, ExperimentSpec]:
    """In a hurry fewer repeats, sizes and rates; what is published takes a GPU."""
    found = {"quick": quick, "full": full, "published": published}[spec.scale](spec)
    return {name: each.model_copy(update={"name": f"recall study: {name}"}) for name, each in found.items()}


FIXED, LONGER = trained(600, (0.01,)), trained(800, (0.003,))


def quick(spec: RecallStudy) -> Mapping[str, ExperimentSpec]:
    hurried = trained(300, (0.003, 0.01), 1)
    return {
        "pairs": asked(spec, [CONVOLVED], (FOUR, EIGHT), FIXED, 2),
        "key sizes": asked(spec, [KEYED[4], KEYED[32]], (EIGHT,), FIXED, 2),
        "lags": asked(spec, [WINDOWED, CONVOLVED], (AT_ANY_LAG,), LONGER, 2),
        "rates": asked(spec, [LEARNED_1, CONVOLVED_1], (FOUR,), hurried, 2),
    }


def full(spec: RecallStudy) -> Mapping[str, ExperimentSpec]:
    models = [CONVOLVED, LEARNED, LEARNED_LOUD, MAMBA_1, MAMBA_2, DELTA, LEARNED_1, CONVOLVED_1]
    found = {
        "pairs": asked(spec, [CONVOLVED], (FOUR, EIGHT), FIXED, 16),
        "widths": asked(spec, [WIDTHS[16], WIDTHS[64]], (EIGHT,), FIXED, 4),
        "key sizes": asked(spec, list(KEYED.values()), (TWO, FOUR, EIGHT), FIXED, 4),
        "lags": asked(spec, [WINDOWED, CONVOLVED, DELTA], (AT_ANY_LAG,), LONGER, 5),
        "rates": asked(spec, models, (FOUR,), trained(800, RATES, 3), 5),
        "cells": asked(spec, [LSTM_32, GRU_32], (FOUR,), trained(1_500, RATES, 2), 5),
    }
    linear = trained(500, RATES, 3)
    return found | {name: asked(spec, LINEAR, (EIGHT,), linear, 4, match) for name, match in MATCHES.items()}


def published(spec: RecallStudy) -> Mapping[str, ExperimentSpec]:
    """Zoology's figure 2, and Gated DeltaNet beside its models: one experiment for each length and number of pairs.

    Their rate falls by a cosine after each epoch, here after each step; and rates are chosen by runs that are not
    reported.

    Source:
        github.com/HazyResearch/zoology, paper_configs/iclr24_zoology_figure2 (batches halve with the length)
    """
    kinds = (partial(Attention, positions="learned"), Hyena, Mamba, DeltaNet)
    models = tuple(kind(hidden_size=width, embedding_std=0.02) for kind in kinds for width in (64, 128, 256, 512))
    found: dict[str, ExperimentSpec] = {}
    for steps, pairs, batch in ((64, 4, 512), (128, 8, 512), (256, 16, 256), (512, 64, 128)):
        training = Training(
            optimizer=AdamW(learning_rate=TuneRate(tune=(1e-4, 4.642e-4, 2.154e-3, 1e-2)), weight_decay=0.1),
            batch_size=batch, train_size=100_000, validation_size=3_000, test_size=3_000, epochs=64,
            schedule=Schedule(kind="cosine"),
        )  # fmt: skip
        found[f"{pairs} pairs in {steps} steps"] = ExperimentSpec(
            tasks=(Recall(pairs=pairs, vocabulary=8_192),), models=models, lengths=(steps,), training=training,
            repeats=5, seed=spec.seed, device="gpu",
        )  # fmt: skip
    return found
