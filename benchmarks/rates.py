"""Learning rates of the span study: what was tried at one length before the study was run."""

import math
from collections.abc import Mapping
from statistics import median

import memspan
from benchmarks.report import Figure, table
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.studies.span import ADDING, NAMES, RATES, trained

TRIED = (3e-4, 1e-3, 3e-3, 1e-2)
LENGTH = 50
REPEATS = 5
SEED = 1
"""the study's own is 0"""


def main() -> str:
    """Median validation loss of every model at every rate; the least is the study's."""
    figures = []
    for model in RATES:
        losses = {rate: loss(model, rate) for rate in TRIED}
        told = ", ".join(f"{rate:g}: {found:.3g}" for rate, found in losses.items())
        figures.append(Figure(NAMES[model], told, f"{best(losses):g} is best; the study takes {RATES[model]:g}"))
    variance = ADDING.target_variance(LENGTH)
    title = f"Adding problem, T = {LENGTH}, variance {variance:.3g}: median validation loss by learning rate"
    return table(title, figures)


def loss(model: ModelSpec, rate: float) -> float:
    """After the study's whole training; a run that diverged counts as infinite."""
    spec = ExperimentSpec(
        tasks=(ADDING,), models=(model,), lengths=(LENGTH,), training=trained(rate), repeats=REPEATS, seed=SEED
    )
    found = [row.metrics.get("validation_loss", math.inf) for row in memspan.run(spec).rows]
    return median(value if math.isfinite(value) else math.inf for value in found)


def best(losses: Mapping[float, float]) -> float:
    return min(losses, key=lambda rate: losses[rate])


if __name__ == "__main__":
    print(main())
