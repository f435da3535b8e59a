"""Latency: how long a model takes to answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field
from torch import Generator, Tensor

from memspan.attribution.blocks import too_large
from memspan.interfaces.network import Network
from memspan.interfaces.predictor import Predictor, trained
from memspan.interfaces.probe import Effort, ProbeSpec
from memspan.interfaces.readings import Scalars
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import TaskSpec
from memspan.probes import probe
from memspan.statistics.estimate import estimate, median
from memspan.tasks import sample

Clock = Callable[[], float]
"""Seconds since some moment."""


class Latency(ProbeSpec):
    """Time how long a model takes to answer some sequences at once, on the worker that is asked.

    The median of several runs, after one that does not count; of several repeats the mean of their medians, each
    repeat asked by itself. A time is never the same twice: it tells models apart that were asked on one machine, and
    what else the machine did meanwhile is in it.
    """

    title: ClassVar[str] = "Time to answer"
    reference: ClassVar[str] = "docs.python.org/3/library/time.html: perf_counter"
    repeatable: ClassVar[bool] = False
    kind: Literal["latency"] = "latency"
    sequences: Annotated[Whole, Field(ge=1, le=100_000, description="fresh sequences that are answered at once")] = 256
    runs: Annotated[Whole, Field(ge=3, le=1_000, description="times that each model answers them")] = 9

    def objection(self, task: TaskSpec, length: int, network: Network | None = None) -> str | None:
        return too_large(task, length, self.sequences)

    def effort(self, task: TaskSpec, length: int, network: Network) -> Effort:
        return Effort(answers=self.sequences * (self.runs + 1), calls=self.runs + 1)


@probe(Latency)
def measure(spec: Latency, model: Predictor, task: TaskSpec, length: int, rng: Generator) -> Scalars:
    """The wall time of an answer, median over runs.

    Units:
        milliseconds for all ``sequences`` together.
    """
    inputs = sample(task, length, spec.sequences, rng).inputs
    seconds = np.array([timed(each, inputs, spec.runs) for each in single(model)])
    found = estimate(1e3 * seconds.reshape(-1, spec.runs), median)  # (M, runs)
    name = "milliseconds"
    return Scalars({name: found.value}, {name: found.low}, {name: found.high}, found.n, {name: "ms"})


def timed(model: Predictor, inputs: Tensor, runs: int, clock: Clock = time.perf_counter) -> list[float]:
    """Seconds of each of some runs; the first answer, which warms the machine up, is not among them."""
    seconds = []
    for _ in range(runs + 1):
        start = clock()
        model(inputs).cpu()  # a device works on until its answer is fetched
        seconds.append(clock() - start)
    return seconds[1:]


def single(models: Predictor) -> Iterator[Predictor]:
    """Each member by itself, but those whose weights are not finite; an instrument as it is."""
    if models.internals is None:
        yield models
        return
    network, weights, signature = models.internals.network, models.internals.weights, models.internals.signature
    for member in range(models.members):
        own = {name: weight[member : member + 1] for name, weight in weights.items()}
        if all(weight.isfinite().all() for weight in own.values()):
            yield trained(network, own, signature)
