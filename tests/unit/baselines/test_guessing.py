"""Random weights as a baseline."""

from __future__ import annotations

from functools import partial

import torch

from memspan.baselines import guessing
from memspan.interfaces.batch import Batch
from memspan.tasks.latch import Latch
from memspan.tasks.latch import sample as draw_latch
from memspan.tasks.relay import Relay


def value(spec: Latch | Relay, length: int) -> float | None:
    return {baseline.name: baseline.value for baseline in spec.tried_out(length)}.get("random_guessing")


def test_one_guessed_unit_latches_at_every_length() -> None:
    """The literature needs 22 trials on average; 128 fail to hold one that latches with probability 3e-3 at most."""
    for length in (2, 10, 50, 200):
        found = value(Latch(), length)
        assert found is not None
        assert found > 0.97


def test_the_value_is_always_the_same() -> None:
    found = [guessing.guessing_accuracy(partial(draw_latch, Latch(noise=0.7), 9)) for _ in range(2)]
    assert found[0] == found[1]
    assert value(Latch(), 9) != found[0]


def test_sequences_that_say_nothing_are_guessed_at_chance() -> None:
    """n = 1 000 fresh sequences: within 5 standard errors of a half, false alarm 6e-7; no guess is scored on what it
    was chosen on."""

    def noise(count: int, rng: torch.Generator) -> Batch:
        return Batch(torch.randn(count, 5, 1, generator=rng), torch.randint(0, 2, (count,), generator=rng))

    assert abs(guessing.guessing_accuracy(noise) - 0.5) < 5 * 0.5 / 1_000**0.5


def test_it_is_not_worked_out_where_that_would_keep_results_waiting() -> None:
    assert value(Latch(), guessing.LONGEST) is not None
    assert value(Latch(), guessing.LONGEST + 1) is None
    assert value(Relay(), 10_000) is None
