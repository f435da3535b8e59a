"""Relay: is the cell that latches worst also worst when two far bits must be compared?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from memspan.claims.claim import Claim
from memspan.claims.evidence import Evidence, ExperimentEvidence
from memspan.claims.measured import Floats, Measured, bootstrapped, difference
from memspan.claims.study import StudySpec
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.studies import study
from memspan.tasks.latch import Latch
from memspan.tasks.relay import Relay
from memspan.training import Training

UNITS = 8
RNN_8, LSTM_8, GRU_8 = RNN(hidden_size=UNITS), LSTM(hidden_size=UNITS), GRU(hidden_size=UNITS)
CHRONO_LSTM = LSTM(hidden_size=UNITS, initialization="chrono")
CHRONO_GRU = GRU(hidden_size=UNITS, initialization="chrono")
FAR = 20
"""steps from which a length counts as far"""


def accuracy(experiment: ExperimentEvidence, model: ModelSpec) -> Floats:
    """Test accuracy of a model's runs at far lengths."""
    lengths = sorted({place.extent for place in experiment.grid if place.extent >= FAR})
    return np.concatenate([experiment.values("test_accuracy", model, length) for length in lengths])


def gru_ahead(evidence: Evidence) -> Measured:
    """Mean accuracy of the GRU minus the better of the RNN's and the LSTM's."""
    experiment = evidence["relay"]
    return bootstrapped(
        lambda gru, rnn, lstm: gru.mean(-1) - np.maximum(rnn.mean(-1), lstm.mean(-1)),
        *(accuracy(experiment, model) for model in (GRU_8, RNN_8, LSTM_8)),
    )


def accuracy_gap(evidence: Evidence) -> Measured:
    """Distance of the RNN's and the LSTM's mean accuracies."""
    experiment = evidence["relay"]
    return bootstrapped(
        lambda x, y: np.abs(x.mean(-1) - y.mean(-1)), accuracy(experiment, RNN_8), accuracy(experiment, LSTM_8)
    )


def turned_round(evidence: Evidence) -> Measured:
    """The smaller of the GRU's lead over the RNN on relay and the RNN's lead over the GRU on latch."""
    relay, latch = evidence["relay"], evidence["latch"]
    return bootstrapped(
        lambda a, b, c, d: np.minimum(a.mean(-1) - b.mean(-1), c.mean(-1) - d.mean(-1)),
        accuracy(relay, GRU_8),
        accuracy(relay, RNN_8),
        accuracy(latch, RNN_8),
        accuracy(latch, GRU_8),
    )


def chrono_ahead(evidence: Evidence) -> Measured:
    experiment = evidence["relay"]
    return difference(accuracy(experiment, CHRONO_LSTM), accuracy(experiment, LSTM_8))


class RelayStudy(StudySpec):
    """Comparing two bits that lie half a sequence apart, with eight units; latching beside it.

    The task is reconstructed from a description: the code of the answer that introduced it is not public any more.
    """

    title: ClassVar[str] = "Which cell relays two bits best?"
    reference: ClassVar[str] = "answer to stats.stackexchange.com/questions/340898 (2018); definition reconstructed"
    question: ClassVar[str] = "Which cell is best when two far bits must be compared, and is it the one that latches?"
    explanation: ClassVar[str] = (
        "Comparing two bits is an exclusive or over time: the network must hold the first bit unharmed and let it meet "
        "the second, so it needs a gate that shuts out the noise in between as well as a product of the two. How "
        "long a cell holds on at the start of training decides whether the gradient ever finds that product, and that "
        "is a matter of the initial time constants more than of the cell."
    )
    claims: ClassVar[tuple[Claim, ...]] = (
        Claim(
            "gru-best",
            "On the bit relay the GRU is better than RNN and LSTM.",
            "mean test accuracy of the GRU minus the better of the other two, lengths of 20 and more",
            "at_least",
            0.05,
            gru_ahead,
        ),
        Claim(
            "rnn-and-lstm-equal",
            "On the bit relay RNN and LSTM are equally weak.",
            "distance of their mean test accuracies, lengths of 20 and more",
            "at_most",
            0.05,
            accuracy_gap,
        ),
        Claim(
            "task-decides",
            "Which cell is best depends on the task: the GRU leads on the relay, the RNN on the latch.",
            "the smaller of the two leads in mean test accuracy, lengths of 20 and more",
            "at_least",
            0.01,
            turned_round,
        ),
        Claim(
            "chrono-helps",
            "Chrono initialisation makes the LSTM better on the relay.",
            "mean test accuracy of the chrono LSTM minus the plain LSTM's, lengths of 20 and more",
            "at_least",
            0.05,
            chrono_ahead,
            source="memspan",
        ),
    )

    kind: Literal["relay"] = "relay"


@study(RelayStudy)
def experiments(spec: RelayStudy) -> Mapping[str, ExperimentSpec]:
    """Both tasks with the same models; the published ten repeats and ten epochs, or five repeats in a hurry."""
    full = spec.scale == "full"
    return {
        name: ExperimentSpec(
            name=f"relay study: {name}",
            tasks=(task,),
            models=(RNN_8, LSTM_8, GRU_8, CHRONO_LSTM, CHRONO_GRU),
            lengths=(5, 10, 20, 40, 80) if full else (5, 20, 40),
            training=Training(epochs=10),
            repeats=10 if full else 5,
            seed=spec.seed,
        )
        for name, task in (("relay", Relay()), ("latch", Latch()))
    }
