"""What is traced of each cell, held to a file: a new release of torch that computes otherwise shows here first.

``python -m tests.unit.engine.fused.test_golden`` writes the files anew.
"""

from __future__ import annotations

from pathlib import Path

from memspan.engine.fused.trace import step
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build
from tests.contract.variants import named
from tests.unit.engine.fused.cells import served

FOLDER = Path(__file__).parent / "golden"
SIGNATURE = Signature(5, channels=1, outputs=2, problem=Problem.CLASSIFICATION)


def traced(spec: ModelSpec) -> str:
    """The graph of a model's cell."""
    recurrence = build(spec, SIGNATURE).recurrence
    assert recurrence is not None
    return str(step(recurrence.layers[0].cell))


def stories() -> dict[str, str]:
    """Each different graph once, by the name of the first model that has it."""
    found: dict[str, str] = {}
    for spec in served():
        graph = traced(spec)
        if graph not in found.values():
            found[named(spec).replace("'", "").replace(" ", "")] = graph
    return found


def test_every_cell_s_graph_is_the_one_on_file() -> None:
    on_file = {path.stem: path.read_text() for path in FOLDER.glob("*.txt")}
    assert stories() == on_file


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, graph in stories().items():
        (FOLDER / f"{name}.txt").write_text(graph)
