"""The relay study with eight units: ours against JAX, and core-milliseconds of a step of batch 16."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks import peer
from benchmarks.engine_estimate import Extent, jax_alone, jax_side_by_side
from benchmarks.engine_latch import body
from benchmarks.engine_speed import condition, step_milliseconds
from benchmarks.engine_study import trained
from benchmarks.goal import at_least, at_most, judged
from benchmarks.report import Figure
from benchmarks.workload import Workload

CELLS = ("rnn", "lstm", "gru")
UNITS, REPEATS, EPOCHS = 8, 10, 10
LENGTHS = (10, 20, 50, 100, 200)
LOAD = Workload("lstm", (UNITS,), 0, 16, REPEATS, 100)
WHOLE = Extent(CELLS, LENGTHS, (10, 50, 200), EPOCHS, 500, 10_000, LOAD)
QUICK = Extent(CELLS, (10, 50), (10, 50), 1, 100, 2_000, replace(LOAD, steps=20, train_size=1_600, score_size=400))
LIMITS = {"lstm": 0.04}
SECONDS = 3.0
"""for which each cell is timed"""


def main(quick: bool = False) -> str:
    """Seconds of the study, and of single steps."""
    extent = QUICK if quick else WHOLE
    task = {"tasks": [{"kind": "relay"}], "models": [{"kind": cell, "hidden_size": UNITS} for cell in CELLS]}
    ours = trained(body(extent, CELLS) | task)
    runs = len(CELLS) * len(extent.lengths) * REPEATS
    figures = [Figure(f"rnn + lstm + gru, {runs} runs, two processes of one thread", str(ours))]
    if peer.python("against_jax") is None:
        figures.append(Figure("JAX, vmap + scan", peer.missing("against_jax"), ">= 8x"))
    else:
        figures += _study_rows(extent, ours.wall)
    figures += _step_rows(extent, 0.3 if quick else SECONDS)
    lengths = ", ".join(map(str, extent.lengths))
    title = f"Relay: {UNITS} units, T = {lengths}, {REPEATS} repeats, {extent.epochs} epochs"
    return judged(title, figures, quick)


def _study_rows(extent: Extent, wall: float) -> Iterator[Figure]:
    where = f"from T = {', '.join(map(str, extent.points))}"
    for words, seconds in (("one process", jax_alone(extent)), ("two processes of one core", jax_side_by_side(extent))):
        ratio = seconds / wall
        yield Figure(f"JAX, vmap + scan, {words}, {where}", f"{seconds:.0f} s: {ratio:.1f}x", at_least(ratio, 8))


def _step_rows(extent: Extent, seconds: float) -> Iterator[Figure]:
    """Core-ms of one repeat and one step of batch 16 at T = 50."""
    loads = [replace(extent.load, cell=cell, length=50) for cell in CELLS]
    theirs = {cell: float("nan") for cell in CELLS}
    if peer.python("against_jax"):
        found = peer.side_by_side("against_jax", loads)
        theirs = {cell: each["step_ms"] / REPEATS for cell, each in zip(CELLS, found, strict=True)}
    eager = peer.side_by_side("against_torch", [replace(load, steps=60) for load in loads])
    for cell, layer in zip(CELLS, eager, strict=True):
        asked = condition({"kind": "relay"}, {"kind": cell, "hidden_size": UNITS}, 50, 16)
        ms = step_milliseconds(asked, REPEATS, seconds)
        words = f"{ms:.4f} core-ms; JAX {theirs[cell]:.3f} ({theirs[cell] / ms:.1f}x), torch.nn {layer['step_ms']:.2f}"
        yield Figure(f"{cell}({UNITS}), T = 50, a step of batch 16", words,
                     at_most(ms, LIMITS[cell], "core-ms") if cell in LIMITS else "")  # fmt: skip


if __name__ == "__main__":
    print(main())
