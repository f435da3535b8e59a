"""MNIST and digits as sequences."""

from __future__ import annotations

import math

import pytest
import torch

from memspan.datasets.digits import digits
from memspan.datasets.folder import data_folder
from memspan.datasets.mnist import mnist
from memspan.engine.seeds import stream
from memspan.tasks import sample
from memspan.tasks.digits import Digits
from memspan.tasks.mnist_rows import MnistRows, permutation
from tests.datasets import known

EDGE = 28


def test_rows_pixels_and_the_permutation_show_one_and_the_same_picture() -> None:
    rows, pixels, permuted = (
        sample(MnistRows(view=view), EDGE, 20, stream(1)) for view in ("rows", "pixels", "permuted")
    )
    assert rows.inputs.shape == (20, 28, 28)
    assert pixels.inputs.shape == permuted.inputs.shape == (20, 784, 1)
    assert torch.equal(rows.targets, pixels.targets)
    assert torch.equal(rows.inputs.flatten(1), pixels.inputs.squeeze(-1))
    assert torch.equal(pixels.inputs[:, permutation()], permuted.inputs)


def test_the_permutation_is_one_and_never_another() -> None:
    """Stored models were trained on it: these are its first places."""
    order = permutation()
    assert sorted(order.tolist()) == list(range(784))
    assert order[:8].tolist() == FIRST_PLACES


FIRST_PLACES = [573, 773, 173, 195, 184, 456, 105, 290]


def test_pixels_are_shares_of_full_ink() -> None:
    batch = sample(MnistRows(), EDGE, 2_000, stream(2), "train")
    whole = mnist("train", data_folder())
    assert float(batch.inputs.min()) == 0
    assert float(batch.inputs.max()) == pytest.approx(int(whole.pictures.max()) / 255)
    levels = batch.inputs * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)


def test_the_whole_test_set_comes_in_its_own_order_whatever_the_stream() -> None:
    there = len(mnist("test", data_folder()))
    first, other = (sample(MnistRows(), EDGE, there, stream(seed)) for seed in (3, 4))
    assert torch.equal(first.inputs, other.inputs)
    assert first.targets[:10].tolist() == known("test").first
    assert torch.bincount(first.targets).tolist() == known("test").classes


def test_a_part_of_a_set_is_drawn_without_repeats() -> None:
    for split in ("train", "test"):
        there = len(mnist(split, data_folder()))
        batch = sample(MnistRows(), EDGE, there // 2, stream(5), split)
        assert len({row.numpy().tobytes() for row in batch.inputs}) == there // 2


def test_a_training_set_is_mixed_because_its_end_validates() -> None:
    there = len(mnist("train", data_folder()))
    first, other = (sample(MnistRows(), EDGE, there, stream(seed), "train").targets for seed in (6, 7))
    assert not torch.equal(first, other)
    assert torch.equal(first.bincount(), other.bincount())


def test_the_commonest_digit_scores_its_baseline_on_the_whole_test_set() -> None:
    """MNIST's .1135 where the original files are there; the digits' always."""
    for labels in (digits("train").labels, digits("test").labels):
        assert labels.bincount(minlength=10).min() > 0
    commonest = digits("train").labels.bincount().argmax()
    share = float((digits("test").labels == commonest).double().mean())
    assert {b.name: b.value for b in Digits().baselines(8)}["majority_class"] == pytest.approx(share)
    named = {b.name: b.value for b in MnistRows().baselines(EDGE)}
    assert named == {"chance": 0.1, "majority_class": 0.1135, "do_nothing": math.log(10)}
    if sum(known("test").classes) == 10_000:
        assert known("test").classes[1] / 10_000 == named["majority_class"]


def test_digits_are_split_once_and_for_all() -> None:
    assert (len(digits("train")), len(digits("test"))) == (1_437, 360)
    whole = {picture.numpy().tobytes() for split in ("train", "test") for picture in digits(split).pictures}
    assert len(whole) == 1_797
    assert digits("test").labels[:10].tolist() == FIRST_DIGITS
    batch = sample(Digits(), 8, 360, stream(8))
    assert torch.equal(batch.targets, digits("test").labels)
    assert torch.equal(batch.inputs * 16, digits("test").pictures.float())


FIRST_DIGITS = [2, 4, 8, 4, 9, 6, 8, 7, 7, 2]
