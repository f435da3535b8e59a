"""The explanation of a cell's loops: it runs for every fused cell, its equations are true, and the docs show it."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from memspan.engine.fused import scope
from memspan.engine.fused.equations import Equations
from memspan.engine.fused.explain import Inexplicable, explained, main
from memspan.engine.fused.trace import gate_names, traced
from memspan.interfaces.cell import Cell
from memspan.interfaces.model import ModelSpec
from memspan.models import build
from tests.unit.engine.fused.cells import served
from tests.unit.engine.fused.test_golden import SIGNATURE

ROOT = Path(__file__).parents[4]
KINDS = ("gru", "lstm", "min_gru", "min_lstm", "power_law_lstm", "rnn")
HEADINGS = ("Forward", "Backward", "Loops", "Weights", "Workspace", "Tape", "Code")
FUNCTIONS = {
    "tanh": math.tanh, "exp": math.exp, "log": math.log, "log1p": math.log1p, "log1p_of_share": math.log1p,
    "sqrt": math.sqrt, "abs": abs, "max": max, "min": min, "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "where": lambda mask, yes, no: yes if mask else no,
}  # fmt: skip


def cell_of(spec: ModelSpec) -> Cell:
    recurrence = build(spec, SIGNATURE).recurrence
    assert recurrence is not None
    return recurrence.layers[0].cell


def python(text: str) -> str:
    """An equation as Python has it: c' is c_new, z.i is z_i."""
    return re.sub(r"(?<=[A-Za-z_])\.(?=[A-Za-z_])", "_", text).replace("'", "_new")


def worked_out(lines: list[str], known: dict[str, float]) -> dict[str, float]:
    """The values of equations, one after another."""
    values = dict(known)
    for line in lines:
        name, _, expression = python(line).partition(" = ")
        values[name] = float(eval(expression, {"__builtins__": {}, **FUNCTIONS}, values))  # noqa: S307, the engine wrote it
    return values


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [None, 1])
def test_every_fused_cell_is_explained(kind: str, size: int | None) -> None:
    text = explained(kind, size)
    assert all(f"\n\n{heading}" in text for heading in HEADINGS)
    assert "rolled" not in text
    assert ("a loop over 16 units" in text) == (size is None)


def test_no_fused_cell_is_missing_here() -> None:
    assert {spec.kind for spec in served()} == set(KINDS)


def test_the_equations_are_those_of_each_cell_and_of_its_gradient() -> None:
    """Forward and backward, at one arbitrary point, against the function itself in float64."""
    cells = {str(traced(cell_of(spec))): cell_of(spec) for spec in served()}
    assert len(cells) > len(KINDS)
    for cell in cells.values():
        compare(cell)


def compare(cell: Cell) -> None:
    equations = Equations(traced(cell))
    gates, states = gate_names(cell), cell.states
    points = [torch.tensor([[[0.31 - 0.17 * k]]], dtype=torch.float64, requires_grad=True)
              for k in range(len(gates) + len(states) + len(cell.parameters))]  # fmt: skip
    z, old = tuple(points[: len(gates)]), tuple(points[len(gates) : len(gates) + len(states)])
    parameters = tuple(points[len(gates) + len(states) :])
    new = cell.pointwise(z, old, parameters)
    sent = [0.7 - 0.4 * k for k in range(len(states))]
    total = sum(state.sum() * gradient for state, gradient in zip(new, sent, strict=True))
    assert isinstance(total, torch.Tensor)
    wanted = torch.autograd.grad(total, points, allow_unused=True)
    names = [*(f"z_{name.replace('.', '_')}" for name in gates), *states, *cell.parameters]
    known = {name: float(point.detach()) for name, point in zip(names, points, strict=True)}
    found = worked_out(equations.forward, known)
    for name, state in zip(states, new, strict=True):
        assert found[f"{name}_new"] == pytest.approx(float(state.detach()), rel=1e-6)
    left = {python(name) for name in equations.taped} | set(names)
    back = {name: value for name, value in found.items() if name in left}
    gradients = worked_out(equations.backward, back | {f"d{n}_new": s for n, s in zip(states, sent, strict=True)})
    for name, gradient in zip(names, wanted, strict=True):
        expected = 0.0 if gradient is None else float(gradient)
        assert gradients[f"d{name}"] == pytest.approx(expected, rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nonsense"], "There is no model of kind 'nonsense'"),
        (["mlp"], "The torch engine trains this mlp: it is no stack of recurrent cells."),
        (["lstm", "--hidden-size", "49"], "The torch engine trains this lstm: 48 units are the most"),
        (["lstm", "--hidden-size", "0"], "A model of kind lstm can't have 0 units."),
        (["tcn", "--hidden-size", "4"], "A model of kind tcn has no hidden size."),
    ],
    ids=str,
)
def test_what_has_no_compiled_loops_is_named_in_a_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert str(ended.value.code).startswith(sentence)


def test_without_a_compiler_the_explanation_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSPAN_ENGINE", "torch")
    scope.works.cache_clear()
    with pytest.raises(Inexplicable, match="No code is compiled here"):
        explained("lstm")
    scope.works.cache_clear()


def test_the_page_of_the_engine_shows_what_is_printed() -> None:
    """But for the figures of the code, which depend on the processor and the compiler."""
    page = (ROOT / "docs/engine.md").read_text()
    shown = re.search(r"\$ python -m memspan\.engine\.fused\.explain lstm --hidden-size 1\n(.*?)\n```", page, re.DOTALL)
    assert shown is not None
    command = [sys.executable, "-m", "memspan.engine.fused.explain", "lstm", "--hidden-size", "1"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.rstrip()
    assert steady(shown[1]) == steady(printed)


def steady(text: str) -> str:
    """The text without the figures of its last part."""
    rest, head, code = text.partition("Code, in bytes and instructions")
    return rest + head + re.sub(r" +\d+(?= |$)", "", code, flags=re.MULTILINE)
