"""Tasks of tokens beside recall: published statistics, solvers that remember all, and windows against their bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from memspan.baselines.copying import seen_before_letters, seen_uniform
from memspan.baselines.showing import asked_by_lag
from memspan.datasets.showings import last_showing
from memspan.engine.condition import Condition
from memspan.engine.seeds import stream
from memspan.interfaces.batch import IGNORED, Batch
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.models import build
from memspan.models.attention import Attention
from memspan.models.lstm import LSTM
from memspan.models.mlp import MLP
from memspan.optimizers.adam import Adam
from memspan.tasks import sample
from memspan.tasks.compression import Compression
from memspan.tasks.fuzzy_recall import FuzzyRecall
from memspan.tasks.induction import Induction
from memspan.tasks.memorization import Memorization
from memspan.tasks.noisy_recall import NoisyRecall
from memspan.tasks.selective_copy import SelectiveCopy
from memspan.training import Training
from tests.unit.engine.populations import carried, stopped, stories
from tests.unit.tasks.solvers import Rule, accuracy, no_overlap, shown_as_targets, tokens

PLAIN = NoisyRecall(vocabulary=16, noise_tokens=0, noise=0)
PUBLISHED_COPY = SelectiveCopy(letters=16, places="published")
Bound = Callable[[int, int], float]


def drawn(spec: TaskSpec, length: int, count: int = 1_000, seed: int = 1) -> Batch:
    return sample(spec, length, count, stream(seed))


def told_lags(spec: TaskSpec, batch: Batch) -> np.ndarray:
    lags = spec.lags(batch)
    return lags[lags >= 0].numpy()


def shown_last(spec: NoisyRecall) -> Rule:
    """The value of the last token's last earlier showing; 0 where there is none."""

    def rule(seen: Sequence[int]) -> int:
        for place in range(len(seen) - 2, -1, -1):
            if seen[place] == seen[-1]:
                return seen[place + 1]
        return 0

    return rule


def copied(spec: SelectiveCopy) -> Rule:
    """Counts letters back from the signal, as far as it sees."""

    def rule(seen: Sequence[int]) -> int:
        if 1 not in seen:
            return 0
        place = len(seen) - 1 - seen[::-1].index(1)
        number, letters = len(seen) - 1 - place, [token for token in seen[:place] if token > 1]  # number from 1
        back = spec.letters - number + 1
        return letters[-back] if len(letters) >= back else 0

    return rule


def behind_the_sign(seen: Sequence[int]) -> int:
    """The letter behind the first sign; else the first one in sight."""
    sign = seen.index(0)
    return seen[sign + 1] if sign < len(seen) - 1 else seen[0]


def guessing(rule: Rule, answers: range, seed: int = 1) -> Rule:
    rng = np.random.default_rng(seed)
    return lambda seen: rule(seen) or int(rng.choice(answers))


def table(spec: Memorization) -> Rule:
    values = spec.table().tolist()
    return lambda seen: values[seen[-2]] if len(seen) > 1 else 0


NOISY, FEW_KEYS = NoisyRecall(), NoisyRecall(vocabulary=16, noise_tokens=8, noise=0.4)
COPY, OLD_COPY = SelectiveCopy(), SelectiveCopy(places="published", letters=6)
SIGN, TABLE = Induction(), Memorization(vocabulary=16)
SOLVED: dict[str, tuple[TaskSpec, int, Rule]] = {
    "noisy recall": (NOISY, 40, shown_last(NOISY)),
    "recall in context": (PLAIN, 41, shown_last(PLAIN)),
    "copy": (COPY, 32, copied(COPY)),
    "published copy": (PUBLISHED_COPY, 100, copied(PUBLISHED_COPY)),
    "induction": (SIGN, 50, behind_the_sign),
    "memorization": (TABLE, 21, table(TABLE)),
}
WINDOWS: dict[str, tuple[TaskSpec, int, Rule, Bound]] = {
    "noisy recall": (NOISY, 40, guessing(shown_last(NOISY), range(8, 16)), NOISY.window_accuracy),
    "few keys": (FEW_KEYS, 24, guessing(shown_last(FEW_KEYS), range(4, 8)), FEW_KEYS.window_accuracy),
    "copy": (COPY, 32, guessing(copied(COPY), range(2, 16)), COPY.window_accuracy),
    "published copy": (OLD_COPY, 40, guessing(copied(OLD_COPY), range(2, 16)), OLD_COPY.window_accuracy),
    "induction": (SIGN, 30, guessing(behind_the_sign, range(1, 16)), SIGN.window_accuracy),
    "memorization": (TABLE, 20, guessing(table(TABLE), range(8, 15)), TABLE.window_accuracy),
}


@pytest.mark.parametrize("name", SOLVED)
def test_who_remembers_all_is_always_right(name: str) -> None:
    spec, length, rule = SOLVED[name]
    assert accuracy(drawn(spec, length, 300), rule) == 1.0


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("window", [1, 5, 13, 21])
def test_a_window_scores_its_bound(name: str, window: int) -> None:
    """Windows of odd sizes, 4 000 sequences: answers of one sequence hang together, so its mean is one number; within 5
    standard errors of these, false alarm 6e-7 a case."""
    spec, length, rule, bound = WINDOWS[name]
    parts = [accuracy(drawn(spec, length, 200, seed), rule, window) for seed in range(20)]
    error = max(float(np.std(parts, ddof=1)) / math.sqrt(20), 1e-4)
    assert abs(float(np.mean(parts)) - bound(length, window)) < 5.5 * error


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_of_one_step_guesses_and_a_whole_one_knows(name: str) -> None:
    spec, length, _, bound = WINDOWS[name]
    published = {(each.name, each.metric): each.value for each in spec.baselines(length)}
    assert bound(length, 1) == pytest.approx(published["chance", "test_accuracy"])
    assert bound(length, length) == pytest.approx(1)


@pytest.mark.parametrize(
    "spec", [NOISY, COPY, PUBLISHED_COPY, SIGN, Memorization(), FuzzyRecall(), FuzzyRecall(key_size=1, value_size=2)]
)
def test_no_sequence_is_trained_and_tested_and_no_answer_stands_at_its_own_step(spec: TaskSpec) -> None:
    first, second = drawn(spec, 64, 2_000, 1), drawn(spec, 64, 2_000, 2)
    assert no_overlap(first, second)
    if first.targets.ndim == 2:
        assert shown_as_targets(first) == 0


def test_recall_in_context_has_the_published_number_of_answers_and_lags() -> None:
    """V 16, T 128: 56 answers a sequence, lags of 10 at the median, 30 at 90 %, 60 at 99 %."""
    batch = drawn(PLAIN, 128, 2_000)
    lags = told_lags(PLAIN, batch)
    assert len(lags) / 2_000 == pytest.approx(56, abs=0.2)
    assert [np.quantile(lags, q) for q in (0.5, 0.9)] == [10, 30]
    assert np.quantile(lags, 0.99) == pytest.approx(60, abs=2)
    assert PLAIN.window_accuracy(128, 32) == pytest.approx(0.92, abs=0.01)
    many = NoisyRecall(vocabulary=128, noise_tokens=0, noise=0)
    assert len(told_lags(many, drawn(many, 128, 2_000))) / 2_000 == pytest.approx(23.7, abs=0.3)


@pytest.mark.parametrize("spec", [NOISY, FEW_KEYS, PLAIN])
def test_answers_at_each_lag_are_as_many_as_reckoned(spec: NoisyRecall) -> None:
    """n = 20 000 sequences of 12 pairs: within 6 standard errors of a count per sequence."""
    batch = drawn(spec, 24, 20_000)
    found = np.bincount(told_lags(spec, batch) // 2, minlength=12)[1:] / 20_000
    wanted = asked_by_lag(12, spec.keys, spec.noise)
    assert np.abs(found - wanted).max() < 6 * np.sqrt(wanted.max() * 2 / 20_000)


def test_noise_makes_lags_longer_and_pairs_fewer() -> None:
    """Lags grow by 1 / (1 - noise), on average over long sequences."""
    short, long = (
        np.mean(told_lags(spec, drawn(spec, 400, 200))) for spec in (NoisyRecall(noise=0), NoisyRecall(noise=0.5))
    )
    assert long / short == pytest.approx(2, rel=0.1)
    noisy = drawn(NoisyRecall(noise=0.5), 400, 200)
    assert float((tokens(noisy) >= 16).double().mean()) == pytest.approx(0.5, abs=0.02)


def test_the_published_copy_has_its_letters_where_the_generator_puts_them() -> None:
    """T 256, 16 letters: 239 steps with 223 blanks; the j-th letter lies at 14.9 j on average, the last at the end."""
    batch = drawn(PUBLISHED_COPY, 256, 4_000)
    lags = PUBLISHED_COPY.lags(batch)[:, -16:]
    places = 240 + torch.arange(16) - lags
    assert bool((places[:, -1] == 238).all())
    means = places.double().mean(0)
    wanted = torch.arange(1, 17) * (239 / 16) - 1
    assert float((means - wanted).abs().max()) < 1.0
    assert bool((tokens(batch)[:, 239] == 1).all())
    assert bool((tokens(batch)[:, 240:] == 0).all())
    assert int(lags[:, -1].min()) == 17


@pytest.mark.parametrize("seen", [seen_uniform, seen_before_letters])
@pytest.mark.parametrize("visible", [0, 1, 6, 12, 20])
def test_letters_are_in_sight_as_often_as_reckoned(seen: Callable[..., float], visible: int) -> None:
    """n = 20 000: within 5.5 standard errors."""
    spec = SelectiveCopy(places="uniform" if seen is seen_uniform else "published")
    batch = drawn(spec, 25, 20_000)
    lags = spec.lags(batch)[:, -4:]
    places = 21 + torch.arange(4) - lags
    for letter in range(4):
        found = float((places[:, letter] >= 20 - visible).double().mean())
        assert abs(found - seen(20, 4, letter, visible)) < 5.5 * 0.5 / math.sqrt(20_000)


def test_the_sign_stands_anywhere_but_at_the_last_two_steps() -> None:
    lags = told_lags(SIGN, drawn(SIGN, 12, 20_000))
    counts = np.bincount(lags, minlength=12)
    assert counts[:2].sum() == 0
    assert np.abs(counts[2:] / 20_000 - 0.1).max() < 6 * math.sqrt(0.09 / 20_000)


def test_the_table_is_the_same_in_all_sequences_and_another_for_another_seed() -> None:
    spec = Memorization(vocabulary=16)
    seen: dict[int, set[int]] = {}
    for seed in (1, 2):
        batch = drawn(spec, 20, 200, seed)
        for key, value in zip(tokens(batch)[:, ::2].flatten(), batch.targets[:, 1::2].flatten(), strict=True):
            seen.setdefault(int(key), set()).add(int(value))
    assert all(len(values) == 1 for values in seen.values())
    assert sorted(value for values in seen.values() for value in values) == list(range(8, 15))
    assert not torch.equal(spec.table(), Memorization(vocabulary=16, table_seed=1).table())


def recalled_in_parts(spec: FuzzyRecall) -> Rule:
    """Finds the key of the running pair earlier, and says the token behind as many tokens of its value."""

    def rule(seen: Sequence[int]) -> int:
        key = [1 <= token <= spec.key_tokens for token in seen]
        start = max(place for place in range(len(seen)) if key[place] and not (place and key[place - 1]))
        mine, offset = seen[start : start + spec.key_size], len(seen) - 1 - start
        for place in range(start - spec.key_size, -1, -1):
            begins = key[place] and not (place and key[place - 1])
            if begins and seen[place : place + spec.key_size] == mine:
                return seen[place + offset + 1]
        return 0

    return rule


@pytest.mark.parametrize("spec", [FuzzyRecall(), FuzzyRecall(key_size=1), FuzzyRecall(key_size=2, value_size=1)])
def test_fuzzy_pairs_are_recalled_by_who_remembers_all(spec: FuzzyRecall) -> None:
    batch = drawn(spec, 50, 400)
    assert accuracy(batch, recalled_in_parts(spec)) == 1.0
    due = (batch.targets != IGNORED).sum(1)
    assert int(due.min()) >= 1
    assert int(due.max()) <= spec.signature(50).places


def test_fuzzy_sequences_are_padded_at_the_left_and_end_with_a_pair() -> None:
    spec = FuzzyRecall()
    batch = drawn(spec, 40, 500)
    shown = tokens(batch)
    pads = (shown == 0).long()
    assert bool((pads.diff(dim=1) <= 0).all())
    assert bool((shown[:, -1] > spec.key_tokens).all())
    assert int(pads.sum(1).max()) < spec.key_size + spec.value_size
    sources = spec.sources(batch)
    due = batch.targets != IGNORED
    rows, steps = due.nonzero(as_tuple=True)
    told = sources[rows, steps]
    assert torch.equal(shown[rows, told[:, 1]], batch.targets[rows, steps])


def test_a_key_of_three_tokens_is_rarely_repeated_by_accident() -> None:
    """7 x 6 x 5 keys: most answers are those of the last pair."""
    spec = FuzzyRecall()
    batch = drawn(spec, 128, 500)
    last = (batch.targets[:, -3:] != IGNORED).sum()
    assert float(last / (batch.targets != IGNORED).sum()) > 0.3
    assert spec.key_tokens == 7
    assert spec.value_tokens == 8


def test_the_last_showing_is_the_latest_earlier_place_with_the_same_name() -> None:
    names = torch.tensor([[5, 3, 5, 5, 3]])
    shown = torch.tensor([[True, True, False, True, True]])
    assert last_showing(names, shown).tolist() == [[-1, -1, -1, 0, 1]]


@pytest.mark.parametrize(
    ("kind", "fields", "where", "said"),
    [
        (
            NoisyRecall,
            {"vocabulary": 17, "noise_tokens": 16},
            "vocabulary",
            "at least 4, half keys and half values; given 17",
        ),
        (NoisyRecall, {"noise_tokens": 0}, "noise", "Must be 0 where noise_tokens is 0; given 0.2"),
        (FuzzyRecall, {"vocabulary": 6}, "vocabulary", "at least 7 tokens; given 6"),
        (SelectiveCopy, {"vocabulary": 3}, "vocabulary", "greater than or equal to 4"),
        (Induction, {"vocabulary": 2}, "vocabulary", "greater than or equal to 3"),
        (Memorization, {"vocabulary": 4}, "vocabulary", "greater than or equal to 5"),
    ],
)
def test_vocabularies_that_hold_too_little_are_refused(
    kind: type[TaskSpec], fields: dict[str, int], where: str, said: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        kind(**fields)
    found = {error["loc"]: error["msg"] for error in refused.value.errors()}
    assert said in found[(where,)]


def test_all_tokens_are_asked_for_at_the_end_each_at_its_own_lag() -> None:
    spec = Compression()
    batch = drawn(spec, 32, 500)
    assert torch.equal(batch.targets, tokens(batch))
    assert spec.lags(batch)[0].tolist() == list(range(31, -1, -1))
    chance = {each.name: each.value for each in spec.baselines(32)}["chance"]
    assert chance == pytest.approx((31 / 15 + 1) / 32)
    assert no_overlap(batch, drawn(spec, 32, 500, 2))


@pytest.mark.parametrize("window", [1, 8, 32])
def test_who_sees_the_last_tokens_says_those_and_guesses_at_the_others(window: int) -> None:
    """n = 64 000 answers: within 5 standard errors."""
    spec, rng = Compression(), torch.Generator().manual_seed(1)
    batch = drawn(spec, 32, 2_000)
    answers = torch.randint(1, 16, (2_000, 32), generator=rng)
    answers[:, 32 - window :] = tokens(batch)[:, 32 - window :]
    found = float((answers == batch.targets).double().mean())
    assert found == pytest.approx(spec.window_accuracy(32, window), abs=5 * 0.5 / math.sqrt(64_000))


def test_no_state_of_so_many_bits_says_more_and_one_that_holds_all_says_all() -> None:
    """Storing the first tokens in log2(15) bits each stays below; 121 bits hold everything."""
    spec = Compression()
    for stored in (0, 8, 20):
        reached = (1 + stored + (31 - stored) / 15) / 32
        assert reached <= spec.state_accuracy(32, stored * math.log2(15)) + 1e-9
    assert spec.state_accuracy(32, 31 * math.log2(15)) == 1.0
    assert 31 * math.log2(15) == pytest.approx(121, abs=0.2)


@pytest.mark.parametrize("model", [Attention(hidden_size=8, layers=1), LSTM(hidden_size=6, dropout=0.2), MLP()])
def test_the_answers_are_made_of_the_last_step_alone_and_learnt(model: ModelSpec) -> None:
    """A decoder behind any model: after some steps more than the end is known, and a resume changes no bit."""
    how = Training(epochs=2, train_size=640, batch_size=32, validation_size=64, test_size=64,
                   optimizer=Adam(learning_rate=0.01))  # fmt: skip
    asked = Condition(Compression(vocabulary=4), model, 4, how, seed=3)
    whole = stories(asked, (0,))[0]
    resumed = stories(asked, (0,), carried(stopped(asked, (0,), 13).snapshots()))[0]
    assert (resumed.weights, resumed.metrics) == (whole.weights, whole.metrics)
    assert "test_exact" in whole.metrics
    shape = build(model, asked.signature).initialize(stream(1))["decoder.down.kernel"].shape
    assert shape == (4 * model.embedding_size, 4)
