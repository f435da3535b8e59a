"""Every probe says what it asks of a model, so that plans and remaining times hold its answer."""

from __future__ import annotations

import pytest

from memspan.engine.condition import Condition
from memspan.engine.placement import Placement, place
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.probing import asked_seconds
from memspan.experiment.run import parse
from memspan.interfaces.probe import ProbeSpec
from memspan.models.lstm import LSTM
from memspan.probes import probe
from memspan.tasks.adding import Adding
from memspan.training import Training

LENGTHS = {"length_shift"}
"""probes that ask about lengths of their own"""


def placed(length: int, size: int = 4) -> Placement:
    return place(Condition(Adding(), LSTM(hidden_size=size), length, Training(), seed=0))


@pytest.mark.parametrize("spec", [spec.model_validate({"kind": spec.model_fields["kind"].default})
                                  for spec in probe.specs()], ids=lambda spec: spec.kind)  # fmt: skip
def test_an_answer_costs_more_of_longer_sequences_and_of_more_repeats(spec: ProbeSpec) -> None:
    short, long = placed(10), placed(400)
    assert 0 < asked_seconds(spec, short, 1) <= asked_seconds(spec, short, 30)
    if spec.kind not in LENGTHS | {"lyapunov", "capacity"}:  # these choose how many steps they look at
        assert asked_seconds(spec, short, 5) < asked_seconds(spec, long, 5)
    assert asked_seconds(spec, short, 5) < asked_seconds(spec, placed(10, 40), 5)


def test_a_plan_holds_the_answers_to_its_probes() -> None:
    body = {"tasks": [{"kind": "adding"}], "models": [{"kind": "lstm", "hidden_size": 4}], "lengths": [10, 50]}
    asked = body | {"probes": [{"kind": "occlusion"}, {"kind": "decode"}]}
    placements = Placements(parse(asked))
    probes = sum(asked_seconds(each, placement, 5) for each in placements.spec.probes for placement in placements)
    alone = plan(Placements(parse(body))).estimated_seconds
    assert plan(placements).estimated_seconds == pytest.approx(alone + probes)
