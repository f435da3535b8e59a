"""Digits: the pictures that come with scikit-learn, held against their digest."""

from __future__ import annotations

import pytest

from memspan.datasets.digits import _digits, digits
from memspan.datasets.unavailable import DatasetUnavailable


def test_pictures_that_lost_a_bit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import sklearn.datasets

    found = sklearn.datasets.load_digits()
    found.images[700, 3, 4] += 1
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda: found)
    _digits.cache_clear()
    with pytest.raises(DatasetUnavailable, match=r"digits\.csv\.gz is damaged: the sha256 of its pictures is"):
        digits("test")
    monkeypatch.undo()
    assert len(digits("test")) == 360
