"""The adding problem with eight units: an LSTM solves 100 steps within 8 000 batches, a plain RNN doesn't.

The setting and its figures are those of github.com/npow/schmidhuber-problems, adding-problem.
"""

import math
from statistics import median

import memspan
from benchmarks.report import Figure, table
from memspan.experiment.report import SOLVED_SHARE
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.optimizers.adam import Adam
from memspan.tasks.adding import Adding
from memspan.training import Training

TASK = Adding(marks="one_per_half", low=-1.0, high=1.0)
LENGTH = 100
UNITS = 8
REPEATS = 10
TRAINING = Training(
    optimizer=Adam(learning_rate=5e-3),
    batch_size=32,
    epochs=8,
    train_size=32_000,
    data="fresh",
    clip_norm=1.0,
    halve_every=1_500,
)


def main() -> str:
    """Mean squared errors on 10 000 new sequences, and how many repeats reach 1 % of the variance."""
    lstm, rnn = losses(LSTM(hidden_size=UNITS)), losses(RNN(hidden_size=UNITS))
    bound = SOLVED_SHARE * TASK.target_variance(LENGTH)
    figures = [
        Figure(f"LSTM({UNITS}): repeats with MSE <= {bound:.4f}", solved(lstm, bound), f">= 9 of {REPEATS}"),
        Figure(f"LSTM({UNITS}): median MSE", told(lstm), "<= .002"),
        Figure(f"RNN({UNITS}), tanh: repeats with MSE <= {bound:.4f}", solved(rnn, bound), "unsolved: 0"),
        Figure(f"RNN({UNITS}), tanh: median MSE", told(rnn), "published .0706 after 5 000 steps"),
    ]
    return table(f"Adding problem, T = {LENGTH}, {TRAINING.steps_per_epoch * TRAINING.most_epochs} steps", figures)


def losses(model: ModelSpec) -> list[float]:
    """Test losses of all repeats, infinite where one diverged."""
    spec = ExperimentSpec(tasks=(TASK,), models=(model,), lengths=(LENGTH,), training=TRAINING, repeats=REPEATS)
    found = [row.metrics.get("test_loss", math.inf) for row in memspan.run(spec).rows if row.diverged_at is None]
    return [*found, *[math.inf] * (REPEATS - len(found))]


def solved(found: list[float], bound: float) -> str:
    return f"{sum(loss <= bound for loss in found)} of {len(found)}"


def told(found: list[float]) -> str:
    return f"{median(found):.5f} (least {min(found):.5f}, largest {max(found):.5f})"


if __name__ == "__main__":
    print(main())
