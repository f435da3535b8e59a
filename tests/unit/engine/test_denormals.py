"""Training neither depends on how the thread computes nor leaves a trace in it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from memspan.engine.denormals import denormals_flushed
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.optimizers.sgd import SGD
from tests.unit.engine.populations import condition, stopped, stories

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Bits are promised for one compute thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def denormals_are_kept() -> bool:
    return sys.float_info.min / 2 > 0 and bool((torch.full((9,), 2e-38) / 4 > 0).all())


def test_denormals_are_zero_inside_and_back_outside() -> None:
    assert denormals_are_kept()
    with denormals_flushed():
        assert not denormals_are_kept()
        with denormals_flushed():
            assert not denormals_are_kept()
        assert not denormals_are_kept()
    assert denormals_are_kept()


def test_an_error_inside_puts_them_back() -> None:
    with pytest.raises(ZeroDivisionError), denormals_flushed():
        raise ZeroDivisionError
    assert denormals_are_kept()


def test_between_two_events_the_thread_computes_as_before() -> None:
    for after in (1, 5, 16):
        stopped(condition(), (0, 1), after)
        assert denormals_are_kept()


def test_a_run_does_not_depend_on_how_the_thread_computed_before() -> None:
    """Plain descent at a length where gradients vanish into denormals."""
    asked = condition(RNN(hidden_size=1), length=150, optimizer=SGD(learning_rate=1.0))
    kept = stories(asked, (0, 1))
    torch.set_flush_denormal(True)
    try:
        assert stories(asked, (0, 1)) == kept
    finally:
        torch.set_flush_denormal(False)


def digest_of_some_runs() -> str:
    """All bits of a few runs, on one compute thread."""
    torch.set_num_threads(1)
    asked = [condition(), condition(GRU(hidden_size=9), length=7, data="fresh"), condition(LSTM(hidden_size=33))]
    repeats = [(0, 5), (1, 2), (0,)]
    told = [sorted(stories(each, those).items()) for each, those in zip(asked, repeats, strict=True)]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def test_a_fresh_process_computes_the_same_bits_as_a_used_one() -> None:
    """The other process starts with these runs, this one has trained others and keeps their caches."""
    stories(condition(LSTM(hidden_size=5), length=11, data="per_repeat"), (3, 4))
    command = f"from {__name__} import digest_of_some_runs; print(digest_of_some_runs())"
    fresh = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True, cwd=ROOT)
    assert fresh.stdout.split() == [digest_of_some_runs()]
