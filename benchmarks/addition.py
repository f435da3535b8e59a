"""Binary addition learnt on 8 bits: sums of 64 bits without an error, and windows beside what is exactly possible."""

from collections.abc import Iterator
from statistics import mean, median

import memspan
from benchmarks.report import Figure, table
from memspan.baselines.window import exact_match
from memspan.experiment.table import Results
from memspan.studies import experiments
from memspan.studies.binary_addition import BITS, FAR, WINDOWS, BinaryAdditionStudy

GOALS = {"rnn": 0.99, "lstm": 0.9, "gru": 0.9}


def main() -> str:
    """The study's own experiments at full scale, five repeats each."""
    asked = experiments(BinaryAdditionStudy(scale="full"))
    figures = [*recurrent(memspan.run(asked["recurrent"])), *windows(memspan.run(asked["windows"]))]
    return table(f"Binary addition, trained on {BITS} bits", figures)


def recurrent(found: Results) -> Iterator[Figure]:
    """Whole sums of 64 bits, mean over repeats."""
    for probe in found.document["probes"]:
        if probe["kind"] == "length_shift":
            kind, reading = probe["model"]["kind"], probe["result"]
            far = list(reading["x"]).index(FAR)
            value, low, high = (reading[name][far] for name in ("y", "low", "high"))
            measured = f"{value:.4f} [{low:.4f}, {high:.4f}] (n = {reading['n']})"
            yield Figure(f"{kind}(16): sums of {FAR} bits all right, mean", measured, f">= {GOALS[kind]}")


def windows(found: Results) -> Iterator[Figure]:
    """Whole sums of 8 bits."""
    for place, model in enumerate(WINDOWS):
        exact = [row.metrics["test_exact"] for row in found.rows if row.condition == place]
        ceiling = exact_match(BITS, model.window)
        measured = f"median {median(exact):.4f}, mean {mean(exact):.4f} (n = {len(exact)})"
        yield Figure(
            f"window of {model.window} previous pairs: sums of {BITS} bits",
            measured,
            f"ceiling {ceiling:.4f}, within .02",
        )


if __name__ == "__main__":
    print(main())
