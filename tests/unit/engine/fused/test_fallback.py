"""Where the fused engine can't serve, the torch engine does, and says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from memspan.engine.fused import scope
from memspan.engine.fused.trace import UnknownOperation, traced
from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.interfaces.cell import Cell
from memspan.interfaces.recurrence import Recurrence
from memspan.layers.recurrent import recurrent, torch_start
from memspan.models.lstm import LSTM
from memspan.models.mlp import MLP
from memspan.models.rnn import RNN
from tests.unit.engine.populations import condition, finish, stories

ROOT = Path(__file__).parents[4]
STRANGE = Cell(("h",), ("h",), lambda z, state, _: (torch.special.bessel_j0(z[0]) * state[0],))


@pytest.fixture
def out_of_order(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose compiler fails."""

    def broken() -> None:
        raise OSError("no compiler")

    monkeypatch.setattr("memspan.engine.fused.self_check.self_check", broken)
    scope.works.cache_clear()
    yield
    scope.works.cache_clear()


def test_small_recurrent_networks_are_fused_and_others_are_not() -> None:
    assert place(condition(LSTM(hidden_size=1))).engine == "fused"
    assert place(condition(LSTM(hidden_size=1)), "gpu").engine == "torch"
    assert place(condition(MLP())).engine == "torch"
    assert place(condition(LSTM(hidden_size=200))).engine == "torch"
    assert place(condition(LSTM(hidden_size=(2, 200)))).engine == "torch"
    assert place(condition(RNN(dropout=0.5, hidden_size=(2, 2)))).engine == "torch"


def test_a_cell_with_an_unknown_operation_is_the_torch_engine_s() -> None:
    with pytest.raises(UnknownOperation, match="bessel_j0"):
        traced(STRANGE)
    signature = condition().signature
    network = recurrent(STRANGE, (1,), signature, torch_start(1))
    assert not scope.takes(network, signature)
    assert isinstance(network.recurrence, Recurrence)


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What was found out about this machine is found out again."""
    scope.works.cache_clear()
    yield
    scope.works.cache_clear()


@pytest.mark.usefixtures("forgotten")
def test_one_can_do_without_compiled_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSPAN_ENGINE", "torch")
    assert place(condition()).engine == "torch"


@pytest.mark.usefixtures("forgotten")
def test_an_engine_that_there_is_not_is_named_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSPAN_ENGINE", "warp")
    with pytest.raises(ValueError, match="MEMSPAN_ENGINE is 'warp'; it takes auto or torch"):
        place(condition())


@pytest.mark.usefixtures("out_of_order")
def test_without_a_compiler_the_torch_engine_is_chosen_and_said(caplog: pytest.LogCaptureFixture) -> None:
    assert place(condition()).engine == "torch"
    assert "the torch engine serves" in caplog.text
    assert "no compiler" in caplog.text


@pytest.mark.usefixtures("out_of_order")
def test_runs_that_were_meant_for_the_fused_engine_are_trained_all_the_same() -> None:
    """More of them than a torch stack has places for; ``trainer.engine`` is what the record should say."""
    trainer = Trainer(place(condition(), engine="fused"), (0, 32, 64))
    assert trainer.engine == "torch"
    assert set(finish(trainer)) == {0, 32, 64}


def test_a_run_goes_on_in_the_other_engine_from_a_snapshot(out_of_order: None) -> None:
    snapshots = Trainer(place(condition(), engine="fused"), (0, 1)).snapshots()
    scope.works.cache_clear()
    assert set(stories(condition(), (0, 1), snapshots)) == {0, 1}


def test_a_machine_without_the_compiler_s_package_works() -> None:
    """A fresh process in which llvmlite can't be imported."""
    program = (
        "import sys; sys.modules['llvmlite'] = None\n"
        "from tests.unit.engine.populations import condition, stories\n"
        "from memspan.engine.placement import place\n"
        "assert place(condition()).engine == 'torch' and len(stories(condition(), (0,))) == 1\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
