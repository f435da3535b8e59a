"""The one number in which an experiment's models differ: what their spans are drawn against."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memspan.figures.document import Part, finite
from memspan.figures.label import label

WIDTHS = ("hidden_size", "model_size", "filters", "channels")
"""fields that follow from a match"""
RATE = "learning_rate"
TITLES = {
    "state_size": "Numbers of state",
    "parameters": "Parameters",
    "inner_parameters": "Parameters without embedding and read-out",
    "multiplications": "Multiplications a step",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span lies: which line it belongs to, and how far along the axis."""

    line: str
    number: float


@dataclass(frozen=True)
class NumberAxis:
    """A number that tells the models of each line apart.

    Attributes:
        name: the field, as specs have it.
        title: with which the axis is named.
        places: of the spans, in their order.
    """

    name: str
    title: str
    places: tuple[Place, ...]

    @property
    def lines(self) -> list[str]:
        """Names of the lines in order of appearance."""
        return list(dict.fromkeys(place.line for place in self.places))

    def words(self, entry: Part) -> str:
        """The number of one span's model, as a table has it."""
        found = _numbers(entry)[self.name]
        return f"{found:,.0f}" if found.is_integer() else f"{found:g}"

    def place_of(self, spans: Sequence[Part], entry: Part) -> Place:
        """Where one of the spans lies."""
        return self.places[next(index for index, each in enumerate(spans) if each is entry)]


def number_axis(spans: Sequence[Part]) -> NumberAxis | None:
    """The number in which the models of each line of spans differ; None where there is none, or more than one.

    Models of several kinds are lines of their own, each with two numbers or more. Of matched models that is what they
    were to amount to; the rate of learning only where the models themselves are the same.
    """
    names = list(dict.fromkeys(name for entry in spans for name in _numbers(entry)))
    fitting = [found for name in names if (found := _axis(spans, name)) is not None]
    models = [found for found in fitting if found.name != RATE]
    chosen = models or fitting
    return chosen[0] if len(chosen) == 1 else None


def _axis(spans: Sequence[Part], name: str) -> NumberAxis | None:
    """The axis of one number, if all else is the same along each line."""
    numbers = [_numbers(entry).get(name) for entry in spans]
    if None in numbers:
        return None
    rests = [_rest(entry, name) for entry in spans]
    along: dict[str, set[tuple[str, float]]] = defaultdict(set)
    counts: dict[str, int] = defaultdict(int)
    for entry, rest, number in zip(spans, rests, numbers, strict=True):
        key = _key([rest, entry["task"]])
        along[key].add((name, number or 0.0))
        counts[key] += 1
    if not along or any(len(found) < max(2, counts[key]) for key, found in along.items()):
        return None
    places = tuple(Place(label(rest, rests), number or 0.0) for rest, number in zip(rests, numbers, strict=True))
    goal = name.removeprefix("match.")
    title = TITLES.get(goal, goal) if name.startswith("match.") else name
    return NumberAxis(name, _capital(title.replace("_", " ")), places)


def _numbers(entry: Part) -> dict[str, float]:
    """What of a span's model is a number: of a matched one what it is to amount to, and not its width."""
    model = entry["model"]
    match = model.get("match") or {}
    own = {name: value for name, value in model.items() if not (match and name in WIDTHS)}
    found = {**own, **{f"match.{name}": value for name, value in match.items()}}
    found[RATE] = (entry.get("budget") or {}).get(RATE)
    return {name: number for name, value in found.items() if (number := finite(value)) is not None}


def _rest(entry: Part, name: str) -> Part:
    """All of a model but one number, and the widths that follow from it."""
    model = dict(entry["model"])
    match = dict(model.pop("match", None) or {})
    dropped = {name, *(WIDTHS if match else ())}
    kept = {field: value for field, value in model.items() if field not in dropped}
    asked = {field: value for field, value in match.items() if f"match.{field}" != name}
    return {**kept, **({"match": asked} if asked else {})}


def _key(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def in_order(spans: Iterable[Part], axis: NumberAxis) -> list[Part]:
    """Spans line by line, along each line by their number."""
    order = axis.lines
    placed = zip(spans, axis.places, strict=True)
    return [entry for entry, _ in sorted(placed, key=lambda each: (order.index(each[1].line), each[1].number))]
