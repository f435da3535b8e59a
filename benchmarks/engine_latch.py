"""The latch study that took its author more than a day: ours alone, over HTTP, and what its peers would need."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks import peer
from benchmarks.engine_estimate import Extent, jax_alone, jax_side_by_side, keras_seconds, torch_side_by_side
from benchmarks.engine_study import Body, Timed, posted, trained
from benchmarks.goal import at_least, at_most, judged
from benchmarks.report import Figure
from benchmarks.workload import Workload
from memspan.studies.latch import PUBLISHED

TWO, THREE = ("rnn", "lstm"), ("rnn", "lstm", "gru")
REPEATS, EPOCHS, TRAIN, TEST = 30, 5, 8_000, 10_000
LOAD = Workload("lstm", (1,), 0, 16, REPEATS, 500, TRAIN, 2_000)
WHOLE = Extent(TWO, PUBLISHED, (10, 50, 200), EPOCHS, 500, TEST, LOAD)
QUICK = Extent(TWO, (10, 50), (10, 50), 1, 100, 2_000, replace(LOAD, steps=100, train_size=1_600, score_size=400))
ROUNDS = 3
TORCH_STEPS = 40


def body(extent: Extent, cells: tuple[str, ...]) -> Body:
    """What is posted."""
    load = extent.load
    sizes = {"train_size": load.train_size, "validation_size": load.score_size, "test_size": extent.test_size}
    return {
        "tasks": [{"kind": "latch"}],
        "models": [{"kind": cell} for cell in cells],
        "lengths": list(extent.lengths),
        "training": {"epochs": extent.epochs, "batch_size": load.batch, **sizes},
        "repeats": load.repeats,
    }


def main(quick: bool = False) -> str:
    """Seconds of the study, and how many times as long each peer would take."""
    extent, rounds = (QUICK, 1) if quick else (WHOLE, ROUNDS)
    two = trained(body(extent, TWO), rounds)
    wall = min(posted(body(extent, TWO)) for _ in range(rounds))
    three = trained(body(extent, THREE), rounds)
    runs = len(extent.lengths) * extent.load.repeats
    figures = [
        Figure(f"rnn + lstm, {2 * runs} runs, two processes of one thread", str(two), at_most(two.wall, 10, "s")),
        Figure("the same from POST /experiments to succeeded", f"{wall:.1f} s: {100 * (wall / two.wall - 1):+.0f} %",
               at_most(wall, round(1.25 * two.wall, 1), "s (+ 25 %)")),
        Figure(f"with gru, {3 * runs} runs", str(three), at_most(three.wall, 17, "s")),
        *jax_rows(extent, two), *keras_rows(extent, two), *torch_rows(extent, two),
    ]  # fmt: skip
    sequences = f"{extent.epochs} epochs of {extent.load.train_size} sequences"
    return judged(f"Latch study: {len(extent.lengths)} lengths, {REPEATS} repeats, {sequences}", figures, quick)


def jax_rows(extent: Extent, ours: Timed) -> Iterator[Figure]:
    if peer.python("against_jax") is None:
        yield Figure("JAX, vmap + scan", peer.missing("against_jax"), ">= 12x")
        return
    where = f"from T = {', '.join(map(str, extent.points))}"
    for words, seconds in (("one process", jax_alone(extent)), ("two processes of one core", jax_side_by_side(extent))):
        yield _ratio(f"JAX, vmap + scan, {words}, {where}", seconds, ours, 12)


def keras_rows(extent: Extent, ours: Timed) -> Iterator[Figure]:
    if peer.python("against_keras") is None:
        yield Figure("Keras", peer.missing("against_keras"), ">= 2000x")
        return
    timed = replace(extent, points=(2, *extent.points[1:]))
    yield _ratio("Keras on TensorFlow, one model after another, from T = 2, 50, 200 (epochs alone)",
                 keras_seconds(timed, peer.alone), ours, 2_000)  # fmt: skip
    halved = keras_seconds(timed, peer.side_by_side) / peer.WORKERS
    yield _ratio("the same by two processes of one core", halved, ours, None)


def torch_rows(extent: Extent, ours: Timed) -> Iterator[Figure]:
    seconds = torch_side_by_side(extent, TORCH_STEPS)
    yield _ratio("torch.nn.RNN / LSTM, eager, one model after another, two processes of one core", seconds, ours, None)


def _ratio(what: str, seconds: float, ours: Timed, goal: float | None) -> Figure:
    ratio = seconds / ours.wall
    return Figure(what, f"{seconds:,.0f} s: {ratio:,.1f}x", "" if goal is None else at_least(ratio, goal))


if __name__ == "__main__":
    print(main())
