"""Networks that are trained anew for each context find what ridge regression finds, and what it can't see."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import memspan
from memspan.instruments.processes import AR2, folded_lag
from memspan.needed_history.answer import Answer
from memspan.needed_history.learning import best_of, on_points
from memspan.needed_history.nets import LEARNERS, Nets, sets_of
from memspan.needed_history.ridge import ridge
from memspan.needed_history.series import Series, UnusableSeries, series
from memspan.needed_history.windowed import WindowedSeries
from memspan.needed_history.windows import windows
from memspan.tasks import sample, task

N = 1_000


def noise(n: int = N, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def two(horizon: int = 1) -> Series:
    return series({"y": noise(seed=1), "u": noise(seed=2)}, "y", horizon)


@pytest.fixture(scope="module")
def folded() -> Answer:
    return memspan.history(folded_lag(N, np.random.default_rng(1)), learners=("gru",), longest=16)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_window_ends_at_its_point_and_its_target_lies_a_horizon_behind(split: str) -> None:
    asked = two(horizon=3)
    sets = sets_of(windows(asked, 6))
    made = WindowedSeries.of(sets)
    positions = sets.train if split == "train" else sets.test
    batch = sample(made, 4, len(positions), torch.Generator(), split)  # type: ignore[arg-type]
    origins = sets.points.origins[positions]
    scaled = (asked.values - sets.scale.shift) / sets.scale.deviation
    assert batch.inputs.shape == (len(positions), 4, 2)
    assert batch.inputs[10].numpy() == pytest.approx(scaled[origins[10] - 3 : origins[10] + 1], abs=1e-6)
    told = batch.targets[:, 0].numpy() * made.deviation + made.shift(positions)
    assert told == pytest.approx(asked.foretold[origins + 3], abs=1e-5)


def test_training_ends_before_the_first_scored_point_was_asked() -> None:
    sets = sets_of(windows(two(horizon=3), 6))
    origins = sets.points.origins
    assert origins[sets.train[-1]] + 3 <= origins[sets.test[0]]
    assert len(sets.test) == pytest.approx(0.3 * len(origins), abs=1)


def test_no_scale_knows_what_is_scored() -> None:
    before = two()
    later = before.values.copy()
    later[-200:] *= 100
    after = series({"y": later[:, 0], "u": later[:, 1]}, "y")
    was, now = (sets_of(windows(each, 6)).scale for each in (before, after))
    assert np.array_equal(was.shift, now.shift)
    assert was.target_deviation == now.target_deviation


def test_a_drift_is_told_by_its_distance_from_the_last_value() -> None:
    walk = series({"x": np.cumsum(noise())}, "x")
    sets = sets_of(windows(walk, 6))
    assert sets.relative
    assert not sets_of(windows(two(), 6)).relative
    batch = sample(WindowedSeries.of(sets), 5, 50, torch.Generator(), "train")
    assert (batch.inputs[:, -1] == 0).all()


def test_the_task_is_in_no_catalogue() -> None:
    assert "windowed_series" not in task.kinds()


def test_networks_are_scored_on_the_points_of_ridge_regression() -> None:
    points = windows(two(), 6)
    asked = ridge(points, np.arange(7))
    net = Nets("gru", points)
    net.rate = 0.01
    found = net.losses((0, 2), asked)
    same = on_points(asked, found)
    assert np.array_equal(same.points, found.points)
    assert same.persistence == pytest.approx(found.persistence)
    assert same.contexts.tolist() == found.contexts.tolist() == [0, 2]
    assert found.repeats is not None
    assert found.squared == pytest.approx(found.repeats.mean(axis=0))


def test_the_same_series_trains_the_same_networks() -> None:
    points = windows(two(), 6)
    first, second = (Nets("gru", points, rate=0.01).errors(2) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_network_finds_the_lag_and_sees_more_of_it_than_a_line(folded: Answer) -> None:
    line, net = (each.document() for each in folded.learners)
    assert (net["model"]["kind"], net["steps"], net["low"]) == ("gru", 7, 7)
    assert (folded.steps, folded.state) == (7, "found")
    at = {row["context"]: row["loss"] for row in net["by_context"]}
    straight = {row["context"]: row["loss"] for row in line["by_context"]}
    assert at[7] < 0.9 * straight[7]
    assert "the best of the learners" in folded.sentence
    assert folded.document()["recipe"]["model"]["kind"] == "gru"


def test_all_learners_that_are_shown_together_are_scored_on_the_same_points(folded: Answer) -> None:
    line, net = (each.judged.losses for each in folded.learners)
    assert np.array_equal(line.points, net.points)
    assert line.contexts.tolist() == list(range(17))
    assert line.absolute == pytest.approx(np.sqrt(line.squared).mean(axis=0))


def test_what_a_trained_network_uses_stands_beside_what_is_needed(folded: Answer) -> None:
    (used,) = folded.document()["used"]
    assert (used["model"], used["length"]) == ("gru", 16)
    assert 0 <= used["low"] <= used["steps"] <= used["high"] <= 16
    assert "what it uses, not what is needed" in folded.markdown()


def test_the_best_learner_is_taken_at_each_context(folded: Answer) -> None:
    line, net = (each.judged.losses for each in folded.learners)
    same = on_points(line, net)
    best = best_of([same, net])
    least = np.minimum(same.squared.mean(axis=0), net.squared.mean(axis=0))
    assert best.squared.mean(axis=0) == pytest.approx(least)


def test_the_threads_of_a_notebook_are_left_as_they_were(folded: Answer) -> None:
    before = torch.get_num_threads()
    memspan.history(noise(200), learners=("gru",), longest=2)
    assert torch.get_num_threads() == before


def test_a_learner_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(UnusableSeries, match="learners: there is no learner 'lstm'; there are ridge, mlp, gru, tcn"):
        memspan.history(noise(), learners=("ridge", "lstm"))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memspan.needed_history.nets.STEPS", 60)
    monkeypatch.setattr("memspan.needed_history.nets.RATES", (0.01,))


@pytest.mark.parametrize("learner", sorted(LEARNERS))
def test_each_learner_is_trained_at_every_context_from_one_step_on(learner: str, short: None) -> None:
    answer = memspan.history(AR2.draw(300, np.random.default_rng(2)), learners=(learner,), longest=4)
    assert [row["context"] for row in answer.learners[1].document()["by_context"]] == [0, 1, 2, 3, 4]
    assert np.isfinite(answer.learners[1].judged.means).all()
