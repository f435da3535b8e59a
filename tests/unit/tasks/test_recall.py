"""Associative recall: the published generator, its lags, and what rules of known memory score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from memspan.baselines import recall as ceilings
from memspan.baselines.slots import draw_chances, drawn_slots, power_law
from memspan.engine.seeds import stream
from memspan.experiment.run import SpecImpossible, SpecMalformed, parse
from memspan.interfaces.batch import IGNORED, Batch
from memspan.tasks import sample
from memspan.tasks.recall import Recall
from tests.unit.tasks.solvers import Rule, accuracy, no_overlap, shown_as_targets, tokens

FORMS = [
    Recall(),
    Recall(pairs=8, power=1, shuffled=True),
    Recall(pairs=3, vocabulary=8, filler="random"),
    Recall(pairs=2, shuffled=True),
]


def drawn(spec: Recall, length: int = 32, count: int = 1_000, seed: int = 1) -> Batch:
    return sample(spec, length, count, stream(seed))


@pytest.mark.parametrize("spec", FORMS)
def test_pairs_come_first_and_every_key_is_asked_once(spec: Recall) -> None:
    batch = drawn(spec, 40)
    shown, half, pairs = tokens(batch), spec.vocabulary // 2, spec.pairs
    keys, values = shown[:, : 2 * pairs : 2], shown[:, 1 : 2 * pairs : 2]
    assert 1 <= int(keys.min()) <= int(keys.max()) < half <= int(values.min())
    for row, wanted, own_keys, own_values in zip(shown, batch.targets, keys, values, strict=True):
        steps = (wanted != IGNORED).nonzero()[:, 0]
        assert len(set(own_keys.tolist())) == len(set(own_values.tolist())) == len(steps) == pairs
        assert bool(((steps - 2 * pairs) % 2 == 0).all())
        assert sorted(row[steps].tolist()) == sorted(own_keys.tolist())
        known = dict(zip(own_keys.tolist(), own_values.tolist(), strict=True))
        assert [known[int(key)] for key in row[steps]] == wanted[steps].tolist()


def test_what_stands_between_the_queries_is_blank_or_any_token() -> None:
    batch = drawn(Recall(), 64)
    unasked = (batch.targets == IGNORED)[:, 8:]
    assert bool((tokens(batch)[:, 8:][unasked] == 0).all())
    random = drawn(Recall(filler="random"), 64)
    filled = tokens(random)[:, 8:][(random.targets == IGNORED)[:, 8:]]
    counts = torch.bincount(filled, minlength=64).double() / len(filled)  # n = 52 000: 6 standard errors are .0033
    assert float((counts - 1 / 64).abs().max()) < 6 * math.sqrt(1 / 64 / len(filled))


@pytest.mark.parametrize(
    ("length", "pairs", "published"),
    [
        (32, 4, (2, 4, 10, 22, 30)),
        (64, 4, (2, 6, 14, 44, 62)),
        (64, 8, (2, 10, 20, 44, 62)),
        (64, 16, (4, 20, 32, 44, 62)),
    ],
)
def test_lags_are_those_of_the_published_generator(length: int, pairs: int, published: tuple[int, ...]) -> None:
    """Least, 10 %, 50 %, 90 % and greatest of 80 000 lags or more, as an independent copy of the generator has them."""
    spec = Recall(pairs=pairs)
    lags = spec.lags(drawn(spec, length, 20_000))
    found = lags[lags >= 0].numpy()
    assert tuple(np.quantile(found, q) for q in (0, 0.1, 0.5, 0.9, 1)) == published


def test_the_first_keys_are_asked_first_unless_slots_are_dealt_out_anew() -> None:
    """Mean slot, from 0, by key at T 64, D 4: 6.2, 6.9, 7.4, 8.1 (n = 20 000, 6 standard errors are .32)."""
    spec = Recall()
    mean = _mean_slots(spec)
    assert np.allclose(mean, [6.2, 6.9, 7.4, 8.1], atol=0.35)
    dealt = _mean_slots(Recall(shuffled=True))
    assert np.ptp(dealt) < 0.5
    assert float(np.mean(dealt)) == pytest.approx(float(np.mean(mean)), abs=0.2)


def _mean_slots(spec: Recall) -> np.ndarray:
    batch = drawn(spec, 64, 20_000)
    sources = spec.sources(batch)
    due = batch.targets != IGNORED
    key, own = sources[..., 0][due] // 2, sources[..., 2][due]
    slots = (own - 2 * spec.pairs) // 2
    return np.array([float(slots[key == number].double().mean()) for number in range(spec.pairs)])


def test_chances_of_slots_are_those_of_drawing_without_replacement() -> None:
    """Each slot at each draw against 10 000 draws by numpy: within 5 standard errors, false alarm 3e-5 in all."""
    chances, draws = power_law(6, 0.01), 3
    rng = np.random.default_rng(1)
    picked = np.array([rng.choice(6, draws, replace=False, p=chances) for _ in range(10_000)])
    counts = np.array([np.bincount(picked[:, draw], minlength=6) for draw in range(draws)]) / len(picked)
    found = draw_chances(chances, draws)
    assert np.abs(counts - found).max() < 5 * 0.5 / math.sqrt(len(picked))
    assert np.allclose(found[0], chances, atol=1e-9)
    assert np.allclose(found.sum(1), 1)


def test_even_slots_are_equally_likely_at_every_draw() -> None:
    assert np.allclose(draw_chances(power_law(9, 1.0), 4), 1 / 9, atol=1e-9)
    assert np.allclose(drawn_slots(9, 4, 1.0), 1 / 9)
    mean = drawn_slots(9, 4, 0.1).mean(0)
    assert np.allclose(drawn_slots(9, 4, 0.1, shuffled=True), mean)


def recalled(tokens: Sequence[int]) -> int:
    """The token behind the first earlier showing of the last one; 0 where there is none."""
    for place, token in enumerate(tokens[:-1]):
        if token == tokens[-1]:
            return tokens[place + 1]
    return 0


def guessing(spec: Recall, seed: int) -> Rule:
    """Answers what it sees and guesses else, among the values that it doesn't see behind a key."""
    rng, half = np.random.default_rng(seed), spec.vocabulary // 2

    def rule(tokens: Sequence[int]) -> int:
        if found := recalled(tokens):
            return found
        seen = {value for key, value in pairwise(tokens) if 0 < key < half <= value}
        rest = [value for value in range(half, spec.vocabulary) if value not in seen]
        return int(rng.choice(rest))

    return rule


@pytest.mark.parametrize("spec", FORMS[:2])
def test_who_remembers_all_is_always_right(spec: Recall) -> None:
    assert accuracy(drawn(spec, 40, 500), recalled) == 1.0


@pytest.mark.parametrize("spec", [Recall(), Recall(pairs=8, power=1, shuffled=True), Recall(pairs=3, vocabulary=16)])
@pytest.mark.parametrize("window", [1, 7, 15, 23])
def test_a_window_scores_its_bound(spec: Recall, window: int) -> None:
    """Windows of odd sizes, n >= 6 000 answers: within 5 standard errors, false alarm 6e-7 a case."""
    batch = drawn(spec, 32, 2_000)
    bound = spec.window_accuracy(32, window)
    found = accuracy(batch, guessing(spec, window), window)
    assert abs(found - bound) < 5 * math.sqrt(bound * (1 - bound) / (2_000 * spec.pairs)) + 1e-9


def test_a_window_of_one_step_guesses() -> None:
    baselines = {(each.name, each.metric): each.value for each in Recall().baselines(64)}
    assert Recall().window_accuracy(64, 1) == baselines["chance", "test_accuracy"] == 1 / 32
    assert baselines["knows_the_set", "test_accuracy"] == 1 / 4
    assert "window_64" not in {name for name, _ in baselines}


@pytest.mark.parametrize(
    ("length", "pairs", "published"),
    [
        (32, 4, (0.26, 0.71, 1, 1)),
        (64, 4, (0.22, 0.55, 0.79, 1)),
        (64, 8, (0.07, 0.32, 0.74, 1)),
        (64, 16, (0.03, 0.05, 0.50, 1)),
    ],
)
def test_windows_of_published_sizes_score_what_was_measured(
    length: int, pairs: int, published: tuple[float, ...]
) -> None:
    found = [Recall(pairs=pairs).window_accuracy(length, window) for window in (8, 16, 32, 64)]
    assert found == pytest.approx(published, abs=0.006)


def test_who_knows_the_set_and_not_the_binding_is_right_once_in_so_many_pairs() -> None:
    """n = 8 000: 5 standard errors are .025."""
    batch, rng = drawn(Recall(), 32, 2_000), np.random.default_rng(3)
    found = accuracy(batch, lambda tokens: int(rng.choice([token for token in tokens[:8] if token >= 32])))
    assert found == pytest.approx(1 / 4, abs=0.025)


def test_the_best_by_lag_is_certain_inside_a_window_and_no_worse_than_what_is_reached_beyond() -> None:
    spec = Recall()
    assert spec.best_by_lag(14, 15) == 1.0
    assert spec.best_by_lag(16, 15) == 1 / 28


@pytest.mark.parametrize(("share", "best", "floor"), [(0.25, 0.44, 0.27), (0.5, 0.68, 0.52), (0.75, 0.86, 0.76)])
def test_a_state_of_some_bits_recalls_as_much_as_fano_allows(share: float, best: float, floor: float) -> None:
    """32 values, by the share of the bits that are needed."""
    bits = share * 16 * 5
    assert ceilings.state_accuracy(bits, 16, 32) == pytest.approx(best, abs=0.006)
    assert ceilings.stored_accuracy(bits, 16, 32) == pytest.approx(floor, abs=0.006)
    assert ceilings.state_accuracy(80, 16, 32) == ceilings.stored_accuracy(80, 16, 32) == 1.0
    assert ceilings.state_accuracy(0, 16, 32) == pytest.approx(1 / 32)


@pytest.mark.parametrize("stored", [0, 2, 5, 8])
def test_no_solver_with_so_many_bits_does_better_than_fano_and_storing_is_reached(stored: int) -> None:
    """A solver that stores the first values in 5 bits each and guesses at the rest, n = 16 000 answers."""
    spec, rng = Recall(pairs=8), np.random.default_rng(stored)
    batch = drawn(spec, 48, 2_000)

    def rule(tokens: Sequence[int]) -> int:
        place = tokens.index(tokens[-1])
        return tokens[place + 1] if place < 2 * stored else int(rng.integers(32, 64))

    found = accuracy(batch, rule)
    error = 5 * math.sqrt(0.25 / 16_000)
    assert found == pytest.approx(ceilings.stored_accuracy(5 * stored, 8, 32), abs=error)
    assert found < ceilings.state_accuracy(5 * stored, 8, 32) + error


def test_values_of_a_sequence_take_fewer_bits_than_independent_ones() -> None:
    assert ceilings.needed_bits(4, 32) == pytest.approx(math.log2(32 * 31 * 30 * 29))


def test_training_and_test_have_no_sequence_in_common_and_no_answer_is_shown() -> None:
    assert no_overlap(drawn(Recall(), 32, 5_000, 1), drawn(Recall(), 32, 5_000, 2))
    assert shown_as_targets(drawn(Recall(), 32, 5_000)) == 0


def test_published_sizes_can_be_drawn() -> None:
    spec = Recall(pairs=64, vocabulary=8192)
    batch = drawn(spec, 512, 20)
    assert int((batch.targets != IGNORED).sum()) == 20 * 64
    assert accuracy(batch, recalled) == 1.0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pairs": 8, "vocabulary": 16}, "8 pairs with different keys and values take at least 18 tokens; given 16"),
        ({"vocabulary": 63}, "Must be even: one half are keys and the blank, one half values; given 63"),
    ],
)
def test_a_vocabulary_that_cant_hold_the_pairs_is_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Recall(**fields)
    (error,) = refused.value.errors()
    assert error["loc"] == ("vocabulary",)
    assert message in error["msg"]
    body = {"tasks": [{"kind": "recall", **fields}], "models": [{"kind": "attention"}], "lengths": [64]}
    with pytest.raises(SpecMalformed, match="vocabulary"):
        parse(body)


def test_too_many_pairs_for_the_length_are_refused_with_the_least() -> None:
    body = {"tasks": [{"kind": "recall", "pairs": 8}], "models": [{"kind": "attention"}], "lengths": [24, 64]}
    with pytest.raises(SpecImpossible, match=r"lengths: The task recall needs at least 32 steps; given 24\."):
        parse(body)
