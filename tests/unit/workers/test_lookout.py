"""The lookout interrupts what computes for long once nobody wants it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
import torch

from tests.waiting import until
from workers.lookout import Interrupted, Lookout


@pytest.fixture
def lookout() -> Iterator[Lookout]:
    """One that looks often."""
    before = signal.getsignal(signal.SIGALRM)
    yield Lookout(late_seconds=0.1, look_seconds=0.02)
    until(lambda: not any(each.name == "lookout" for each in threading.enumerate()), 5, "its thread to end")
    signal.signal(signal.SIGALRM, before)


def compute(lookout: Lookout, *caught: type[Exception]) -> None:
    """Go on for ever, and whatever error comes; nobody wants it."""
    matrix = torch.rand(64, 64)
    with lookout.computing(lambda: True):
        while True:
            with suppress(*caught):
                matrix = torch.tanh(matrix @ matrix)


def test_what_nobody_wants_any_more_is_interrupted(lookout: Lookout) -> None:
    with pytest.raises(Interrupted):
        compute(lookout)


def test_an_interruption_that_python_loses_is_followed_by_another(lookout: Lookout) -> None:
    lost: list[bool] = []

    class Lossy:
        def __del__(self) -> None:
            try:
                until(lambda: False, 5, "an interruption")
            except Interrupted:
                lost.append(True)

    def lose_one() -> None:
        with lookout.computing(lambda: True):
            Lossy()
            until(lambda: False, 5, "another interruption")

    with pytest.raises(Interrupted):
        lose_one()
    assert lost == [True]


def test_an_import_is_not_cut_in_two(lookout: Lookout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large_module.py").write_text("import time\nfor _ in range(40):\n    time.sleep(0.01)\nWHOLE = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    found: list[bool] = []

    def use_a_large_module() -> None:
        found.append(import_module("large_module").WHOLE)
        until(lambda: False, 5, "an interruption")

    with pytest.raises(Interrupted), lookout.computing(lambda: True):
        use_a_large_module()
    assert found == [True]


def test_what_is_wanted_goes_on_and_an_answer_that_fails_is_none(lookout: Lookout) -> None:
    asked: list[int] = []

    def unwanted() -> bool:
        asked.append(1)
        if len(asked) == 1:
            raise ConnectionError("the database is away")
        return False

    with lookout.computing(unwanted):
        until(lambda: len(asked) > 2, 5, "more looks")


def test_who_makes_steps_is_not_asked_about(lookout: Lookout) -> None:
    asked: list[int] = []
    begun = time.monotonic()
    while time.monotonic() - begun < 0.3:
        with lookout.computing(lambda: bool(asked.append(1))):
            pass
    assert asked == []


def test_an_interruption_that_comes_too_late_is_none(lookout: Lookout) -> None:
    with lookout.computing(lambda: True):
        pass
    signal.raise_signal(signal.SIGALRM)


def test_no_library_takes_an_interruption_for_an_error_of_its_own(lookout: Lookout) -> None:
    with pytest.raises(Interrupted):
        compute(lookout, Exception)


def test_in_another_thread_it_is_blind() -> None:
    made: list[Lookout] = []
    thread = threading.Thread(target=lambda: made.append(Lookout()))
    thread.start()
    thread.join()
    with made[0].computing(lambda: True):
        assert made[0]._thread is None
