"""Probes of searches: they are answered over all lengths that were searched, once no more can follow."""

from __future__ import annotations

import pytest

from memspan.interfaces.readings import Scalars
from memspan.probes.change import Change
from service.errors import Conflict, Unprocessable
from service.operations import patrol, probes
from service.operations.probes import Where
from tests.scenes import Scene
from tests.unit.operations.searches import PROBES, search, stored, work

ANSWER = Scalars(values={"loss": 0.5}, low={"loss": 0.25}, high={"loss": 0.75}, n=2, units={"loss": "1"})


def test_probes_are_asked_of_all_searched_lengths_when_the_search_is_over(scene: Scene) -> None:
    key = search(scene, probes=PROBES)
    work(scene, rounds=1)
    assert probes.claim(scene.context, "worker") is None
    work(scene)
    assert scene.context.bell.rung[-1] == "probe"
    repeats: dict[int, int] = {}
    for row in stored(scene, key):
        repeats[row.condition] = repeats.get(row.condition, 0) + 1
    for _ in repeats:
        claimed = probes.claim(scene.context, "worker")
        assert claimed is not None
        patrol.walk(scene.context, "owner")
        probes.finish(scene.context, claimed, ANSWER)
    assert scene.state(key) == "succeeded"
    asked = probes.listing(scene.context, None, 500, key, None, None)
    assert {row.condition: row.n for row in asked} == repeats


def test_a_user_may_probe_what_was_searched_and_only_when_no_repeats_can_follow(scene: Scene) -> None:
    key = search(scene)
    work(scene, rounds=1)
    with pytest.raises(Conflict, match="not finished yet"):
        probes.ask_experiment(scene.context, key, Change(), Where(), None)
    work(scene)
    asked = probes.ask_experiment(scene.context, key, Change(), Where(), None)
    assert {row.condition for row in asked} == {row.condition for row in stored(scene, key)}
    with pytest.raises(Unprocessable, match="No condition"):
        probes.ask_experiment(scene.context, key, Change(), Where(lengths=(200,)), None)
