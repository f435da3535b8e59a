"""A stack of LSTM layers with one time step against an MLP of the same widths: how far the losses lie apart."""

import math
from statistics import median

import memspan
from benchmarks.report import Figure, table
from memspan.interfaces.model import ModelSpec
from memspan.studies import experiments
from memspan.studies.one_step_lstm import MANY, ONE_STEP, PAIRS, PERCEPTRON, OneStepLSTM, name

REPEATS = 3
"""of the ten that the study has at full scale: an LSTM takes 31 300 steps"""


def main() -> str:
    """Test losses after 100 epochs, trained as the study one-step-lstm does at full scale."""
    mlp, lstm = losses(PERCEPTRON), losses(ONE_STEP)
    figures = [
        Figure("MLP: median test loss", told(mlp)),
        Figure("LSTM: median test loss", told(lstm)),
        Figure("MLP over LSTM", f"{median(mlp) / median(lstm):.1f}x", ">= 5x"),
    ]
    return table(f"One step, products of pairs, N = {MANY}, 100 epochs, {REPEATS} repeats", figures)


def losses(model: ModelSpec) -> list[float]:
    """Of all repeats, infinite where one diverged."""
    full = experiments(OneStepLSTM(scale="full"))[name(model, MANY)]
    spec = full.model_copy(update={"tasks": (PAIRS,), "repeats": REPEATS, "probes": ()})
    return [row.metrics["test_loss"] if row.diverged_at is None else math.inf for row in memspan.run(spec).rows]


def told(found: list[float]) -> str:
    return f"{median(found):.3g} (least {min(found):.3g}, largest {max(found):.3g})"


if __name__ == "__main__":
    print(main())
