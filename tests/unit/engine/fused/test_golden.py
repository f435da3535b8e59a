"""What is traced of each cell and each optimiser, held to a file: a torch that computes otherwise shows here first.

``python -m tests.unit.engine.fused.test_golden`` writes the files anew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memspan.engine.fused.rule import rule
from memspan.engine.fused.trace import Recorder, UnknownOperation, traced
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build
from memspan.optimizers import optimizer
from memspan.optimizers.adam import Adam
from tests.contract.variants import named, rules
from tests.unit.engine.fused.cells import served

FOLDER = Path(__file__).parent / "golden"
RENEW = "python -m tests.unit.engine.fused.test_golden"
SIGNATURE = Signature(5, channels=1, outputs=2, problem=Problem.CLASSIFICATION)


def graph_of(spec: ModelSpec) -> str:
    """The graph of a model's cell."""
    recurrence = build(spec, SIGNATURE).recurrence
    assert recurrence is not None
    return str(traced(recurrence.layers[0].cell))


def stories() -> dict[str, str]:
    """Each different graph once, by the name of the first model or the optimiser that has it."""
    graphs = [(named(spec), graph_of(spec)) for spec in served()]
    graphs += [(named(spec), str(rule(spec))) for each in optimizer.specs() for spec in rules(each)]
    found: dict[str, str] = {}
    for name, graph in graphs:
        if graph not in found.values():
            found[name.replace("'", "").replace(" ", "")] = graph
    return found


def test_every_graph_is_the_one_on_file() -> None:
    on_file = {path.stem: path.read_text() for path in FOLDER.glob("*.txt")}
    assert stories() == on_file, f"if it is meant: {RENEW}"


def test_optimisers_that_differ_in_numbers_have_one_rule() -> None:
    assert rule(Adam(learning_rate=0.3, beta_1=0.5, beta_2=0.5, epsilon=0.1)) == rule(Adam())


@pytest.mark.parametrize("spoil", [lambda x: 1 - x, lambda x: x * x, lambda x: x**2, bool, lambda x: x > 0])
def test_a_number_that_is_computed_with_outside_torch_is_noticed(spoil: Callable[[float], Any]) -> None:
    """It would be a constant of the loop, whatever the optimiser's numbers are."""
    with pytest.raises(UnknownOperation, match="outside torch"):
        spoil(Recorder().scalars(["rate"])["rate"])


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, graph in stories().items():
        (FOLDER / f"{name}.txt").write_text(graph)
