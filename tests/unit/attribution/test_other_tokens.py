"""Another token of the same kind for each token."""

from __future__ import annotations

import torch

from memspan.attribution.other_tokens import other_tokens
from memspan.engine.seeds import stream
from memspan.tasks import sample
from memspan.tasks.recall import Recall

TASK = Recall(pairs=3, vocabulary=32)


def kind_of(tokens: torch.Tensor) -> torch.Tensor:
    return torch.bucketize(tokens, torch.tensor([1, 16]), right=True)


def test_a_key_stands_for_a_key_and_a_value_for_a_value_that_the_sequence_does_not_show() -> None:
    inputs = sample(TASK, 20, 200, stream("other")).inputs
    found = other_tokens(inputs, TASK.token_kinds(), stream("other"))
    shown = inputs[..., 0] > 0
    assert (found != inputs).all()
    assert torch.equal(kind_of(found[..., 0])[shown], kind_of(inputs[..., 0])[shown])
    clashes = (found == inputs.squeeze(-1).unsqueeze(1)).any(-1)[..., None]
    assert not clashes.any()


def test_all_others_are_equally_likely() -> None:
    """Of 30 000 draws among 4 each one is drawn 7500 times, give or take 75; five deviations, a false alarm in 10^6."""
    inputs = torch.full((10_000, 3, 1), 2.0)
    found = other_tokens(inputs, (range(5),), stream("other"))
    counts = found.long().flatten().bincount(minlength=5)
    assert counts[2] == 0
    assert (counts[[0, 1, 3, 4]] - 7500).abs().max() < 375


def test_a_kind_of_one_token_is_replaced_by_any_other() -> None:
    found = other_tokens(torch.zeros(500, 2, 1), (range(1), range(1, 6)), stream("other"))
    assert found.unique().tolist() == [1, 2, 3, 4, 5]


def test_a_kind_whose_tokens_are_all_shown_still_gives_another_one() -> None:
    inputs = torch.tensor([[[0.0], [1.0], [2.0]]])
    assert (other_tokens(inputs, (range(3),), stream("other")) != inputs).all()
