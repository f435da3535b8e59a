"""A study so small that it runs in a moment, with a claim for every kind of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence
from memspan.claims.measured import Measured, bootstrapped, exactly, mean, rate
from memspan.claims.study import StudySpec
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.probe import ProbeSpec
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.probes.change import Change
from memspan.registry import Family

study: Family[StudySpec] = Family("study", __name__)
RNN_1, LSTM_1 = RNN(hidden_size=1), LSTM(hidden_size=1)
PROBE = Change(index=0)
TRAINING = {"train_size": 32, "validation_size": 16, "test_size": 64, "epochs": 2}


def _loss(evidence: Evidence) -> Measured:
    return mean(evidence["short"].values("test_loss", RNN_1, 2))


def _difference(evidence: Evidence) -> Measured:
    """The repeats share their data."""
    part = evidence["short"]
    one, other = (part.values("test_loss", model, 4) for model in (RNN_1, LSTM_1))
    return bootstrapped(lambda x, y: x.mean(-1) - y.mean(-1), one, other, paired=True)


def _solved(evidence: Evidence) -> Measured:
    return rate(evidence["short"].solved(LSTM_1, 4))


def _epochs(evidence: Evidence) -> Measured:
    return mean(evidence["short"].epochs("validation_loss", RNN_1, 4)[:, 0])


def _seconds(evidence: Evidence) -> Measured:
    return mean(evidence["short"].seconds_per_epoch(RNN_1, 2))


def _probe(evidence: Evidence) -> Measured:
    found = evidence["last step"].probe(PROBE, RNN_1, 3)
    values = [float(found[key]["median_change"]) for key in ("values", "low", "high")]
    return Measured(*values, n=int(found["n"]))


def _long(evidence: Evidence) -> Measured:
    return rate(evidence["long"].solved(LSTM_1))


class TinyStudy(StudySpec):
    """Two tiny nets and a bit. Nothing is learnt, everything is measured."""

    title: ClassVar[str] = "A tiny study"
    reference: ClassVar[str] = "made up for tests"
    question: ClassVar[str] = "Does a tiny net learn anything in two epochs?"
    explanation: ClassVar[str] = "It has seen 32 sequences. That is not enough."
    claims: ClassVar[tuple[Claim, ...]] = (
        Claim("loss", "The RNN has a loss.", "mean test loss at length 2", "at_least", 1e-9, _loss),
        Claim("difference", "It is far above the LSTM's.", "difference of losses", "at_least", 1e6, _difference),
        Claim("solved", "Half of the LSTMs solve it.", "share of repeats", "at_least", 0.5, _solved),
        Claim("epochs", "An epoch is remembered.", "validation loss, epoch 1", "at_least", 1e-9, _epochs),
        Claim("seconds", "Training takes time.", "seconds an epoch", "at_least", 1e-12, _seconds),
        Claim("probe", "It listens to the first step.", "median change in %", "at_most", 1e9, _probe),
        Claim("long", "Long sequences are solved.", "share of repeats", "at_least", 0.5, _long),
        Claim("counted", "It is tiny.", "parameters", "at_most", 100, lambda evidence: exactly(7), source="arithmetic"),
    )

    kind: Literal["tiny_study"] = "tiny_study"


@study(TinyStudy)
def experiments(spec: TinyStudy) -> Mapping[str, ExperimentSpec]:
    """Two experiments; a third at full scale."""
    asked: dict[str, tuple[Any, tuple[int, ...], tuple[ProbeSpec, ...]]] = {
        "short": ((RNN_1, LSTM_1), (2, 4), ()),
        "last step": ((RNN_1,), (3,), (PROBE,)),
        **({"long": ((LSTM_1,), (9,), ())} if spec.scale == "full" else {}),
    }
    return {
        name: ExperimentSpec.model_validate(
            {
                "name": f"tiny study: {name}",
                "tasks": [{"kind": "latch"}],
                "models": [model.model_dump(mode="json") for model in models],
                "lengths": list(lengths),
                "training": TRAINING,
                "repeats": 3,
                "seed": spec.seed,
                "probes": [probe.model_dump(mode="json") for probe in probes],
            }
        )
        for name, (models, lengths, probes) in asked.items()
    }


VERDICTS = {
    "loss": "supported",
    "difference": "contradicted",
    "epochs": "supported",
    "seconds": "supported",
    "probe": "supported",
    "long": "inconclusive",
    "counted": "supported",
}
"""at quick scale; whether nets that learnt nothing solve the task by chance is left open"""


def verdicts(claims: Any) -> dict[str, str]:
    """The verdicts of a study's claims by their ids, those that are certain."""
    return {claim["id"]: claim["verdict"] for claim in claims if claim["id"] in VERDICTS}
