"""Specs to hold a family to: each part as it comes, and with each of its choices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeVar, get_args, get_origin

from memspan.interfaces.spec import PartSpec
from memspan.layers.stacked import Stacked

Spec = TypeVar("Spec", bound=PartSpec)


def variants(spec: type[Spec]) -> Iterator[Spec]:
    """The defaults, each other choice of each field that names its choices, and stacks where layers can be stacked.

    Recurrent models are small where their size isn't what is varied.
    """
    small = fewest_units(spec)
    if any(field.is_required() for field in spec.model_fields.values()):
        return  # it needs a data set of a user: tests/unit/tasks/test_series.py
    yield spec(**small)
    for name, field in spec.model_fields.items():
        if name == "kind":
            continue
        if get_origin(field.annotation) is Literal:
            choices = [choice for choice in get_args(field.annotation) if choice != field.default]
            yield from (spec(**small, **{name: choice}) for choice in choices)
        if name == "hidden_size" and "layers" in spec.model_fields:
            yield from (spec(**{name: 6, "layers": layers}) for layers in (1, 3))
        elif name == "hidden_size":
            yield from (spec(**{name: sizes}) for sizes in (3, (3, 2)))


def fewest_units(spec: type[PartSpec]) -> dict[str, Any]:
    """Of a recurrent model one unit, which is enough to hold it to its rules and takes the least time."""
    return {"hidden_size": 1} if issubclass(spec, Stacked) else {}


def rules(spec: type[Spec]) -> Iterator[Spec]:
    """An optimiser's different rules: the defaults, then what is 0 by default switched on, then its flags, too."""
    fields = {name: field.default for name, field in spec.model_fields.items()}
    numbers = {name: 0.5 for name, default in fields.items() if isinstance(default, float) and not default}
    flags = {name: True for name, default in fields.items() if default is False}
    yield spec()
    if numbers:
        yield spec(**numbers)
    if flags:
        yield spec(**numbers, **flags)


def named(spec: Any) -> str:
    """A readable test id, e.g. ``lstm-activation=softplus``."""
    content = {key: value for key, value in spec.content().items() if key != "kind"}
    return "-".join([spec.kind, *(f"{key}={value}" for key, value in content.items())])
