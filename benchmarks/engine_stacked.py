"""First plus last with LSTM(8)-LSTM(6) and softplus, new sequences at every step: ours against JAX."""

from collections.abc import Iterator

from benchmarks import peer
from benchmarks.engine_estimate import Extent, run_seconds
from benchmarks.engine_study import Body, trained
from benchmarks.goal import at_least, judged
from benchmarks.report import Figure
from benchmarks.workload import Workload

SIZES, LENGTH, REPEATS, BATCH = (8, 6), 70, 10, 256
STEPS, TIMED = 3_000, 40
TEST = 10_000


def main(quick: bool = False) -> str:
    """Seconds of all repeats."""
    steps = 60 if quick else STEPS
    ours = trained(body(steps))
    load = Workload("lstm", SIZES, LENGTH, BATCH, REPEATS, 4 if quick else TIMED, outputs=1, activation="softplus",
                    fresh=True)  # fmt: skip
    figures = [Figure("two processes of one thread", str(ours)), *_jax_rows(load, steps, ours.wall)]
    title = f"First plus last: LSTM(8)-LSTM(6), softplus, T = {LENGTH}, {REPEATS} repeats, {steps} steps of {BATCH}"
    return judged(title, figures, quick)


def body(steps: int) -> Body:
    sizes = {"train_size": steps * BATCH, "validation_size": 2_000, "test_size": TEST}
    return {
        "tasks": [{"kind": "first_last"}],
        "models": [{"kind": "lstm", "hidden_size": list(SIZES), "activation": "softplus"}],
        "lengths": [LENGTH],
        "training": {"epochs": 1, "batch_size": BATCH, "data": "fresh", **sizes},
        "repeats": REPEATS,
    }


def _jax_rows(load: Workload, steps: int, wall: float) -> Iterator[Figure]:
    if peer.python("against_jax") is None:
        yield Figure("JAX, vmap + scan", peer.missing("against_jax"), ">= 3x")
        return
    extent = Extent((load.cell,), (LENGTH,), (LENGTH,), 1, steps, TEST, load)
    alone, paired = (way("against_jax", [load])[0] for way in (peer.alone, peer.side_by_side))
    found = {
        "one process": alone["compile_s"] + run_seconds(extent, alone),
        "two processes of one core, half of the repeats each": paired["compile_s"] + run_seconds(extent, paired) / 2,
    }
    for words, seconds in found.items():
        ratio = seconds / wall
        measured = f"{seconds:.0f} s: {ratio:.1f}x"
        yield Figure(f"JAX, vmap + scan, {words}, from {load.steps} steps", measured, at_least(ratio, 3))


if __name__ == "__main__":
    print(main())
