"""Networks trained anew for each context, by the engine that trains experiments, and what they lose on the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from memspan.engine.condition import Condition
from memspan.engine.denormals import denormals_flushed
from memspan.engine.events import Evaluated, Finished, Outcome
from memspan.engine.placement import place
from memspan.engine.trainer import Trainer
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import stack
from memspan.interfaces.predictor import Predictor, trained
from memspan.models.attention import Attention
from memspan.models.gru import GRU
from memspan.models.mlp import MLP
from memspan.models.tcn import TCN
from memspan.needed_history.judgement import PERSISTENT
from memspan.needed_history.losses import Losses
from memspan.needed_history.ridge import scaled_by
from memspan.needed_history.series import UnusableSeries
from memspan.needed_history.windowed import Sets, WindowedSeries
from memspan.needed_history.windows import Windows
from memspan.optimizers.adam import Adam
from memspan.statistics.bootstrap import Floats
from memspan.training import Training

LEARNERS: Mapping[str, ModelSpec] = {
    "mlp": MLP(hidden_size=(32, 32)),
    "gru": GRU(hidden_size=16),
    "tcn": TCN(channels=16, kernel_size=5),
    "attention": Attention(hidden_size=16, layers=1, mlp=2),
}
RATES = (0.001, 0.003, 0.01, 0.03)
TUNING_REPEATS = 2
REPEATS = 3
STEPS = 600
"""of an optimiser, about, whatever the size of the training part"""
BATCH = 64
MOST_TRAINED = 16_000
"""points that a network is trained on: evenly spaced ones where there are more"""
TEST_SHARE, VALIDATION_SHARE = 0.3, 0.15


@dataclass
class Nets:
    """One kind of network on the windows of a series, at a rate of its own.

    Attributes:
        rate: the learning rate that was chosen by runs of their own, which are not reported.
    """

    learner: str
    points: Windows
    seed: int = 1
    rate: float = 0.0
    task: WindowedSeries = field(init=False)
    _losses: dict[int, Floats] = field(default_factory=dict)
    _models: dict[int, Predictor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.task = WindowedSeries.of(sets_of(self.points))

    @property
    def test(self) -> NDArray[np.int64]:
        """Positions of the scored points (T,)."""
        return self.task.sets.test

    def model(self, length: int) -> Predictor:
        """The trained repeats of a context."""
        self.errors(length)
        return self._models[length]

    def tune(self, length: int) -> None:
        """Choose the rate at a context by the median of the lowest validation losses."""
        found = {rate: self._validated(length, rate) for rate in RATES}
        self.rate = min(found, key=lambda rate: found[rate])

    def _validated(self, length: int, rate: float) -> float:
        seen: list[Mapping[int, Mapping[str, float]]] = []
        condition = replace(self._condition(length, rate), purpose="tuning")
        self._train(condition, range(TUNING_REPEATS), lambda event: seen.append(event.metrics))
        lowest = [
            min((each[repeat]["validation_loss"] for each in seen if repeat in each), default=np.inf)
            for repeat in range(TUNING_REPEATS)
        ]
        return float(np.median(np.nan_to_num(lowest, nan=np.inf)))

    def errors(self, length: int) -> Floats:
        """Target minus answer of each repeat at each test point, in units of the data (R, T)."""
        if length not in self._losses:
            self._losses[length] = self._errors(length)
        return self._losses[length]

    def _errors(self, length: int) -> Floats:
        condition = self._condition(length, self.rate)
        finished = self._train(condition, range(REPEATS), lambda event: None)
        weights = stack([dict(outcome.best) for outcome in finished.outcomes.values()])
        self._models[length] = model = trained(condition.network(), weights, condition.signature)
        with denormals_flushed():
            answers = model(self.task.windows(self.test, length))[..., 0].double().numpy()
        told = answers * self.task.deviation + self.task.shift(self.test)
        return np.asarray(self.task.wanted(self.test) - told)

    def losses(self, contexts: Sequence[int], ridge: Losses) -> Losses:
        """Of contexts from 0 on, beside those of ridge regression on the same points."""
        here = np.isin(ridge.points, self.points.origins[self.test] + self.points.series.horizon)
        wanted = self.task.wanted(self.test)
        constant = np.broadcast_to(wanted - self._mean(), (REPEATS, len(wanted)))
        errors = np.stack([constant, *(self.errors(length) for length in contexts if length)], axis=-1)  # (R, T, X)
        return Losses(
            learner=self.learner,
            contexts=np.array([0, *(length for length in contexts if length)]),
            squared=np.mean(errors**2, axis=0),
            absolute=np.abs(errors).mean(axis=(0, 1)),
            persistence=ridge.persistence[here],
            points=ridge.points[here],
            training_ratio=ridge.training_ratio,
            training_error=ridge.training_error,
            trained_on=self._train_size,
            repeats=errors**2,
        )

    def _mean(self) -> float:
        return float(self.task.wanted(self.task.sets.train).mean())

    @property
    def _train_size(self) -> int:
        return len(self.task.sets.train) - self._validation_size

    @property
    def _validation_size(self) -> int:
        return ceil(VALIDATION_SHARE * len(self.task.sets.train))

    def _condition(self, length: int, rate: float) -> Condition:
        epochs = min(60, max(2, ceil(STEPS * BATCH / self._train_size)))
        training = Training(
            optimizer=Adam(learning_rate=rate),
            batch_size=BATCH,
            epochs=epochs,
            train_size=self._train_size,
            validation_size=self._validation_size,
            test_size=len(self.test),
            clip_norm=1.0,
        )
        return Condition(self.task, LEARNERS[self.learner], length, training, self.seed, checkpoint="best")

    def _train(self, condition: Condition, repeats: range, note: Callable[[Evaluated], None]) -> Finished:
        # The compiled loops of a GRU end in a fault at windows of one step and one column.
        placement = place(condition, engine="torch" if condition.length == 1 else None)
        outcomes: dict[int, Outcome] = {}
        seconds = 0.0
        for start in range(0, len(repeats), placement.width):
            for event in Trainer(placement, repeats[start : start + placement.width]).events():
                if isinstance(event, Evaluated):
                    note(event)
                if isinstance(event, Finished):
                    outcomes.update(event.outcomes)
                    seconds += event.seconds
        return Finished(outcomes, seconds)


def sets_of(points: Windows) -> Sets:
    """The last 30 % of the points are scored; training ends a horizon before them."""
    count = len(points.origins)
    first = int((1 - TEST_SHARE) * count)
    known = int(np.searchsorted(points.origins, points.origins[first] - points.series.horizon, side="right"))
    train = np.arange(known)
    if known > MOST_TRAINED:
        train = np.unique(np.linspace(0, known - 1, MOST_TRAINED).astype(int))
    last = points.last[train]
    ratio = float(np.mean((points.targets[train] - last) ** 2) / np.var(points.targets[train]))
    return Sets(points, train, np.arange(first, count), scaled_by(points, known), ratio < PERSISTENT)


def checked(learners: Sequence[str]) -> tuple[str, ...]:
    """Names of networks, each once.

    Raises:
        UnusableSeries: there is no such learner.
    """
    for name in learners:
        if name not in (*LEARNERS, "ridge"):
            raise UnusableSeries("learners", f"there is no learner {name!r}; there are ridge, {', '.join(LEARNERS)}.")
    return tuple(dict.fromkeys(name for name in learners if name != "ridge"))
