"""The plan of an experiment: what it would train and roughly for how long, before anything is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from memspan.engine.cost import BASIS, CLAIM_SECONDS, STORED_SECONDS
from memspan.engine.placement import Device, Placement
from memspan.experiment.cautions import cautions
from memspan.experiment.fleet import Fleet, work_of
from memspan.experiment.matches import matches
from memspan.experiment.placements import Placements
from memspan.experiment.probing import asked_seconds
from memspan.experiment.search import longest
from memspan.experiment.series import Series, all_series, is_search
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.model import ModelSpec

SEARCHED = "a search as if it took all its runs, at lengths spread evenly over its range"
MEASURED = "corrected by what these workers measured"
AT_MOST = "runs as if none converged before its last epoch"
DEVICES: tuple[Device, ...] = ("cpu", "gpu")
ALONE = Fleet()
"""one worker of the pace that the model of cost was measured at"""


@dataclass(frozen=True)
class Plan:
    """What an experiment amounts to.

    Attributes:
        at_most: whether conditions, runs and populations are the most that a length search may take, round by round.
        parameters: trainable numbers of each model, by its position in the spec: (least, most) over the lengths; inner
            ones are without embedding and read-out.
        tuning_runs: those among the runs that serve to choose settings.
        estimated_seconds: wall time with ``workers`` workers, the answers to probes included.
        peak_bytes: the most memory that one worker holds.
        matched: what each model that was matched amounts to.
    """

    conditions: int
    runs: int
    populations: int
    parameters: tuple[dict[str, Any], ...]
    warnings: tuple[dict[str, str], ...]
    estimated_seconds: float
    peak_bytes: int
    workers: int
    tuning_runs: int = 0
    at_most: bool = False
    basis: str = BASIS
    matched: tuple[dict[str, Any], ...] = ()


def plan(placements: Placements, fleet: Fleet = ALONE) -> Plan:
    """Work out the plan of a sound spec's placements."""
    spec = placements.spec
    efforts = _efforts(placements, fleet)
    by_model = _by_model(spec, placements)
    placed = [placement for own in by_model for placement in own]
    return Plan(
        conditions=sum(effort.conditions for effort in efforts),
        runs=sum(effort.runs for effort in efforts),
        populations=sum(effort.populations for effort in efforts),
        parameters=tuple(_parameters(spec, index, placed) for index, placed in enumerate(by_model)),
        warnings=tuple(cautions(spec, by_model)),
        estimated_seconds=_together(efforts, fleet),
        peak_bytes=max(placement.peak_bytes for placement in placed),
        workers=fleet.hands(placed[0].device),
        tuning_runs=sum(_tuning(placements, each, fleet).runs for each in all_series(spec) if each.settings),
        at_most=is_search(spec),
        basis="; ".join(_basis(spec, fleet)),
        matched=tuple(matches(spec)),
    )


def _basis(spec: ExperimentSpec, fleet: Fleet) -> list[str]:
    """What the estimate is made of."""
    parts = {MEASURED: bool(fleet.pace), SEARCHED: is_search(spec), AT_MOST: spec.training.until_converged}
    return [BASIS, *(words for words, holds in parts.items() if holds)]


@dataclass(frozen=True)
class _Effort:
    """What a series of the grid takes.

    Attributes:
        seconds: of one worker, in all; the answers to probes included.
        longest: what no second worker shortens.
    """

    device: Device
    conditions: int
    runs: int
    populations: int
    seconds: float
    longest: float


def estimated_seconds(experiments: Iterable[Placements], fleet: Fleet) -> float:
    """Wall time of experiments that are started together: they share the workers."""
    return _together([effort for placements in experiments for effort in _efforts(placements, fleet)], fleet)


def _efforts(placements: Placements, fleet: Fleet) -> list[_Effort]:
    return [_effort(placements, series, fleet) for series in all_series(placements.spec)]


def _together(efforts: Sequence[_Effort], fleet: Fleet) -> float:
    return max(_seconds([each for each in efforts if each.device == device], fleet, device) for device in DEVICES)


def _seconds(efforts: Sequence[_Effort], fleet: Fleet, device: Device) -> float:
    """Wall time of what is trained on a kind of device."""
    total = sum(effort.seconds for effort in efforts) / fleet.hands(device)
    return max([total, *(effort.longest for effort in efforts)])


def _effort(placements: Placements, series: Series, fleet: Fleet) -> _Effort:
    """All settings take as long: the chosen one counts as the first."""
    found = _reported(placements, series, fleet)
    return _after(_tuning(placements, series, fleet), found) if series.settings else found


def _tuning(placements: Placements, series: Series, fleet: Fleet) -> _Effort:
    """What choosing a setting takes."""
    spec, each = placements.spec, placements[series.tuning[0]]
    repeats = spec.training.tuning.repeats if spec.training.tuning else 0
    seconds = fleet.seconds(work_of(each), each.seconds(repeats)) + _handled(each, repeats)
    return _Effort(
        each.device,
        conditions=0,
        runs=repeats * series.settings,
        populations=each.stacks(repeats) * series.settings,
        seconds=seconds * series.settings,
        longest=fleet.seconds(work_of(each), each.seconds(min(each.width, repeats))),
    )


def _after(first: _Effort, then: _Effort) -> _Effort:
    """Two efforts of which the second begins when the first has ended."""
    return replace(
        then,
        runs=first.runs + then.runs,
        populations=first.populations + then.populations,
        seconds=first.seconds + then.seconds,
        longest=first.longest + then.longest,
    )


def _all_at_once(spec: ExperimentSpec, placed: Sequence[Placement], fleet: Fleet) -> _Effort:
    """What the repeats of some conditions take that are asked for together."""
    repeats = spec.repeats
    return _Effort(
        placed[0].device,
        conditions=len(placed),
        runs=len(placed) * repeats,
        populations=sum(each.stacks(repeats) for each in placed),
        seconds=sum(
            fleet.seconds(work_of(each), each.seconds(repeats))
            + _handled(each, repeats)
            + _asked(spec, each, repeats, fleet)
            for each in placed
        ),
        longest=max(fleet.seconds(work_of(each), each.seconds(min(each.width, repeats))) for each in placed),
    )


def _reported(placements: Placements, series: Series, fleet: Fleet) -> _Effort:
    """What the runs of a series take that results are about."""
    spec, placed = placements.spec, [placements[position] for position in series.of_setting(0)]
    device = placed[0].device
    if series.search is None:
        return _all_at_once(spec, placed, fleet)
    parts, full = Counter(longest(series.search, spec.repeats)), series.search.most_lengths(spec.repeats)
    runs = full * spec.repeats
    stacks = sum(_most_stacks(spec, placed, part) * times for part, times in parts.items())
    each = [  # of the average length
        times * (fleet.seconds(work_of(one), one.seconds(part)) + _asked(spec, one, part, fleet)) / len(placed)
        for part, times in parts.items()
        for one in placed
    ]
    return _Effort(  # a part goes on at a next length where one is full
        device,
        conditions=min(len(placed), runs, parts.total() + full),
        runs=runs,
        populations=min(runs, stacks + full),
        seconds=sum(each),
        longest=sum(each) / min(full, fleet.hands(device)),
    )


def _handled(placement: Placement, repeats: int) -> float:
    """Seconds of one worker for what is done with runs besides training them."""
    return placement.stacks(repeats) * CLAIM_SECONDS + repeats * STORED_SECONDS


def _asked(spec: ExperimentSpec, placement: Placement, repeats: int, fleet: Fleet) -> float:
    """Seconds of one worker for the answers to a spec's probes of a condition."""
    return sum(fleet.seconds("probe", asked_seconds(probe, placement, repeats)) for probe in spec.probes)


def _most_stacks(spec: ExperimentSpec, placed: Sequence[Placement], part: int) -> int:
    """Stacks that some repeats of one length may lie in: one more than they fill, where they don't begin one."""
    most = max(each.stacks(part) + (each.stacks(spec.repeats) > 1) for each in placed)
    return min(part, most)


def _by_model(spec: ExperimentSpec, placements: Placements) -> list[list[Placement]]:
    """Placements by the position of their model in the spec."""
    found: dict[ModelSpec, list[Placement]] = {model: [] for model in spec.models}
    for series in all_series(spec):
        for position in series.of_setting(0):
            found[placements.conditions[position].model].append(placements[position])
    return list(found.values())


def _parameters(spec: ExperimentSpec, index: int, placed: Sequence[Placement]) -> dict[str, Any]:
    counts = [placement.network.parameters for placement in placed]
    inner = [placement.network.inner_parameters for placement in placed]
    return {
        "pointer": f"#/models/{index}",
        "kind": spec.models[index].kind,
        "least": min(counts),
        "most": max(counts),
        "inner_least": min(inner),
        "inner_most": max(inner),
    }
