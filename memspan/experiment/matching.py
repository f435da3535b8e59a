"""Matching: the width at which a model amounts to what was asked for, by the models' own formulas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from memspan.experiment.flaw import Flaw, Place
from memspan.experiment.grid import longest_of
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from memspan.interfaces.match import Match, Width
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.models import build

TOLERANCE = 0.05
"""of what was asked for: how far off a match may be"""
MOST = 1_024
"""models times differing tasks that are matched in one experiment: about a second"""

Count = Callable[[Network, Signature], float]
COUNTS: dict[str, Count] = {
    "parameters": lambda network, _: network.parameters,
    "inner_parameters": lambda network, _: network.inner_parameters,
    "state_size": lambda network, _: network.state_size,
    "multiplications": lambda network, signature: (
        network.products(signature.length, signature.every_step) / signature.length
    ),
}
WORDS = {
    "parameters": "parameters",
    "inner_parameters": "parameters without embedding and read-out",
    "state_size": "numbers of state",
    "multiplications": "multiplications a step",
}


@dataclass(frozen=True)
class Matched:
    """An experiment whose models all have a width.

    Attributes:
        flaws: of the matches that nothing fulfils.
        failed: positions of their models, which have no width yet.
    """

    spec: ExperimentSpec
    flaws: tuple[Flaw, ...] = ()
    failed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Candidate:
    """A width with what it amounts to.

    Attributes:
        counts: least and most over the differing tasks.
        off: the largest deviation from what was asked for, as a share of it.
    """

    units: int
    counts: tuple[float, float]
    off: float

    def words(self, field: str) -> str:
        """``5 041 (hidden_size 34)``."""
        least, most = (f"{count:.0f}" for count in self.counts)
        return f"{least if least == most else f'{least} to {most}'} ({field} {self.units})"


def matched(spec: ExperimentSpec, limits: Limits) -> Matched:
    """The experiment with the widths that its matches ask for written out; it itself where it has none.

    The match that stands at the top goes to every model without one of its own. Asked again, it says the same.
    """
    asked = [index for index, model in enumerate(spec.models) if model.match or spec.match]
    if not asked:
        return Matched(spec)
    signatures = tuple(dict.fromkeys(task.signature(longest_of(spec, task)) for task in spec.tasks))
    if len(asked) * len(signatures) > MOST:
        return Matched(spec, (_too_many(spec, asked, len(signatures)),), frozenset(asked))
    models, found = list(spec.models), dict[int, Flaw]()
    for index in asked:
        search = _Search(spec, index, signatures, limits)
        if flaw := search.flaw():
            found[index] = flaw
        models[index] = search.given if flaw else search.model()
    sized = spec.model_copy(update={"models": tuple(models), "match": None})
    return Matched(sized, tuple(_merged(found.values())), frozenset(found))


def resolved(spec: ExperimentSpec) -> ExperimentSpec:
    """The same with its widths written out, or as it was where nothing fulfils a match: so that looking for flaws says
    it, and no model is trained at a width that nobody asked for."""
    found = matched(spec, Limits())
    return spec if found.flaws else found.spec


def _too_many(spec: ExperimentSpec, asked: Sequence[int], tasks: int) -> Flaw:
    message = f"{len(asked)} models are matched on {tasks} differing tasks; at most {MOST} of their pairs are."
    path: Place = ("match",) if spec.match else ("models", asked[0], "match")
    return Flaw(path, "grid_too_large", message, because=(("models",), ("tasks",)))


def _merged(found: Iterable[Flaw]) -> Iterator[Flaw]:
    """One flaw for each place: several models may fail the match at the top."""
    by_path: dict[Place, list[Flaw]] = defaultdict(list)
    for flaw in found:
        by_path[flaw.path].append(flaw)
    for path, flaws in by_path.items():
        rest = f" {len(flaws) - 1} more can't be matched either." if len(flaws) > 1 else ""
        yield Flaw(path, flaws[0].code, flaws[0].message + rest, flaws[0].given, because=flaws[0].because)


class _Search:
    """The search for the width of one model, by halving: no count falls as a model grows wider."""

    def __init__(self, spec: ExperimentSpec, index: int, signatures: Sequence[Signature], limits: Limits) -> None:
        self.given, self.index = spec.models[index], index
        self.own = self.given.match is not None
        chosen = self.given.match or spec.match
        if chosen is None:
            raise AssertionError("a match is searched for that nobody asked for")
        self.match: Match = chosen
        self.signatures = [each for each in signatures if self.given.objection(each) is None] or signatures
        self.limits = limits

    def model(self) -> ModelSpec:
        """The model with the width that comes nearest."""
        nearest, _ = self._nearest
        return self._of(nearest.units).model_copy(update={"match": self.match})

    def flaw(self) -> Flaw | None:
        """Why there is none, or none that fits what was given beside it."""
        width = self.given.width
        if width is None:
            return self._at("match", f"The model {self.given.kind} has one size, and no width that could be matched.")
        if self.match.layers is not None and not width.stacked:
            message = f"The model {self.given.kind} says its layers in fields of its own; leave layers out of match."
            return self._at("layers", message, self.match.layers)
        if self.limits.hidden_size < self._least(width):
            message = f"No width fits: it is a multiple of {self._least(width)} and at most {self.limits.hidden_size}."
            return self._at("match", message)
        nearest, other = self._nearest
        if nearest.off > TOLERANCE:
            return self._at(self.match.goal, self._too_far(width.field, nearest, other), self.match.wanted)
        return self._contradiction(width, nearest.units)

    def _contradiction(self, width: Width, units: int) -> Flaw | None:
        """A width that is given beside the match, and isn't what the match asks for."""
        found = self._of(units)
        for name in width.fields:
            given, right = getattr(self.given, name), getattr(found, name)
            if name in self.given.model_fields_set and given != right:
                message = (
                    f"match and {name} contradict each other: {self.match.wanted} {WORDS[self.match.goal]} ask for "
                    f"{name} {_written(right)}; given {_written(given)}. Leave one of the two out."
                )
                because: Place = ("models", self.index, "match") if self.own else ("match",)
                return Flaw(("models", self.index, name), "does_not_apply", message, because=(because,))
        return None

    def _too_far(self, field: str, nearest: Candidate, other: Candidate | None) -> str:
        """What the nearest two widths have."""
        if nearest.counts == (0, 0):
            return f"The model {self.given.kind} carries no state from step to step; take another goal."
        if self._counts(self.given.width_step * 2) == nearest.counts == self._counts(self.given.width_step * 64):
            count = nearest.counts[1]
            return f"The model {self.given.kind} has {count:.0f} {WORDS[self.match.goal]} at every width."
        both = sorted([nearest] + ([other] if other else []), key=lambda each: each.units)
        words = " and ".join(each.words(field) for each in both)
        tasks = " on tasks of several shapes" if len(self.signatures) > 1 else ""
        end = "" if other else ", the widest allowed" if nearest.counts[0] < self.match.wanted else ", the narrowest"
        return (
            f"models[{self.index}], {self.given.kind}, can't have {self.match.wanted} {WORDS[self.match.goal]} within "
            f"{100 * TOLERANCE:.0f} %{tasks}: the nearest it has are {words}{end}."
        )

    def _at(self, name: str, message: str, given: int | None = None) -> Flaw:
        own: Place = ("models", self.index, "match") if self.own else ("match",)
        path = own if name == "match" else (*own, name)
        because: tuple[Place, ...] = (("tasks",), ("lengths",), ("models", self.index))
        code = "no_match" if name == self.match.goal else "does_not_apply"
        return Flaw(path, code, message, given, because=because)

    @cached_property
    def _nearest(self) -> tuple[Candidate, Candidate | None]:
        """The nearest width and the next best beside it; None where there is none on the other side."""
        width, step = self.given.width, self.given.width_step
        if width is None:
            raise AssertionError("a model without a width is searched")
        low, high = self._least(width) // step, self.limits.hidden_size // step
        while low < high:  # the first that is too large rather than too small
            middle = (low + high) // 2
            least, most = self._counts(middle * step)
            if least + most >= 2 * self.match.wanted:
                high = middle
            else:
                low = middle + 1
        around = [self._candidate(each * step) for each in (low - 1, low) if each * step >= self._least(width)]
        nearest, *others = sorted(around, key=lambda each: (each.off, each.units))
        return nearest, others[0] if others and _on_both_sides(around, self.match.wanted) else None

    def _least(self, width: Width) -> int:
        """The narrowest that it may be."""
        step = self.given.width_step
        return -(-width.least // step) * step

    def _candidate(self, units: int) -> Candidate:
        least, most = self._counts(units)
        wanted = self.match.wanted
        return Candidate(units, (least, most), max(abs(least - wanted), abs(most - wanted)) / wanted)

    def _counts(self, units: int) -> tuple[float, float]:
        """Least and most over the tasks. Networks are counted, not drawn."""
        spec, count = self._of(units), COUNTS[self.match.goal]
        found = [count(build(spec, signature), signature) for signature in self.signatures]
        return min(found), max(found)

    def _of(self, units: int) -> ModelSpec:
        return self.given.of_width(units, self.match.layers or 1)


def _on_both_sides(around: Sequence[Candidate], wanted: int) -> bool:
    return len(around) > 1 and around[0].counts[0] <= wanted <= around[-1].counts[1]


def _written(size: int | tuple[int, ...]) -> str:
    return str(size) if isinstance(size, int) else str(list(size))
