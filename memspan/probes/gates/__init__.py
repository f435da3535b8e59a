"""Gates: for how long they let a unit remember."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from torch import Generator, Tensor

from memspan.dynamics.state_probe import LayerProbe, inner
from memspan.interfaces.blocks import Blocks
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import Effort
from memspan.interfaces.readings import Curve
from memspan.interfaces.recurrence import Recurrence
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.probes.gates.retention import retention, retention_of_blocks
from memspan.statistics.band import band
from memspan.statistics.bootstrap import Floats
from memspan.statistics.decay import fit_logarithms, middle
from memspan.statistics.scores import median_scores
from memspan.tasks import sample


class Gates(LayerProbe):
    """Read off a layer's gates which share of what the first step wrote is left, by age.

    The time constant of a unit is -1 / mean log f over steps and sequences, with f the share that its gate keeps;
    ``tau_median`` and ``tau_max`` are over units. Where the gates follow the age of the memory, as in a power-law
    LSTM, no time constant fits and ``exponent`` tells: survival falls as (age + 1)^-exponent.
    """

    title: ClassVar[str] = "Time constants of the gates"
    reference: ClassVar[str] = (
        "Mahto, Vo, Turek & Huth (2020), arXiv 2009.12727; Tallec & Ollivier (2018), arXiv 1804.11188"
    )
    kind: Literal["gates"] = "gates"

    def objection_to_layers(self, task: TaskSpec, recurrence: Recurrence) -> str | None:
        misplaced = super().objection_to_layers(task, recurrence)
        if misplaced or self.chosen(recurrence).cell.keep:
            return misplaced
        return f"The probe {self.kind} needs a gate that keeps memory, and this model has none for {task.kind}."

    def objection_to_blocks(self, task: TaskSpec, blocks: Blocks) -> str | None:
        misplaced = super().objection_to_blocks(task, blocks)
        if misplaced or blocks.mixers[self.layer].gated:
            return misplaced
        return f"The probe {self.kind} needs a gate that keeps memory, and this model has none for {task.kind}."

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(answers=self.sequences)


@probe(Gates)
def measure(spec: Gates, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Curve:
    """Survival by age, the product of the shares kept since the first step, as a mean over units.

    Units:
        ages and time constants in steps.
    """
    internals, inputs = inner(spec, model), sample(task, length, spec.sequences, rng).inputs
    if internals.network.recurrence is not None:
        found = retention(internals, internals.network.recurrence, spec.layer, inputs)
    else:
        found = retention_of_blocks(internals, spec.layer, inputs)
    curve = band(found.survival.numpy())
    y, low, high = (tuple(part.tolist()) for part in (curve.value, curve.low, curve.high))
    told = constants(found.logarithms) | laws(found.logarithms)
    words = ("age", "share of the memory left", "steps", "1")
    return Curve(tuple(range(len(y))), y, low, high, curve.n, *words, scores=told)


def constants(logarithms: Tensor) -> dict[str, float | None]:
    """Time constants in steps, of log shares (M, T, H): the median and the longest of the units."""
    tau = (-1 / logarithms.mean(1)).numpy()  # (M, H)
    return median_scores("tau_median", np.median(tau, axis=1)) | median_scores("tau_max", tau.max(axis=1))


def laws(logarithms: Tensor) -> dict[str, float | None]:
    """The power law and the exponential fitted to each unit's survival, and which fits better; medians over units."""
    left = logarithms.cumsum(1) - logarithms[:, :1]  # (M, T, H), 0 at age 0
    part = middle(left.shape[1])
    ages = np.arange(left.shape[1], dtype=np.float64)[part]
    fits = np.array([_medians(ages, member[part].T.numpy()) for member in left])  # (M, 4)
    names = ("exponent", "exponential_aic", "power_law_aic", "aic_difference")
    return {
        key: value
        for name, column in zip(names, fits.T, strict=True)
        for key, value in median_scores(name, column).items()
    }


def _medians(ages: Floats, units: Floats) -> Floats:
    """Exponent, both AIC and their difference, medians over the log survival of units (H, ages)."""
    fits = [fit_logarithms(ages, unit) for unit in units]
    numbers = [(fit.exponent, fit.exponential_aic, fit.power_aic, fit.aic_difference) for fit in fits]
    found: Floats = np.median(numbers, axis=0)
    return found
