"""Second look: what can be said of the sound part of a body that is wrong elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from memspan.experiment.flaw import Flaw
from memspan.validation.places import places
from service.middleware.remaining_flaws import flaw_error, remaining_flaws


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    size: int = 1


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    parts: list[Part] = Field(min_length=1)
    numbers: list[int] = []
    count: int = 2


ADAPTER = TypeAdapter(Whole)


def read(body: Any) -> Whole:
    return ADAPTER.validate_json(json.dumps(body), strict=True)


def look(whole: Whole) -> Iterator[Flaw]:
    """Names must differ, numbers be above 9, and the whole have at most 3 parts times count."""
    for index, part in enumerate(whole.parts):
        first = [each.name for each in whole.parts].index(part.name)
        if first < index:
            yield Flaw(("parts", index), "twice", "Twice.", because=(("parts", first),))
    for number in sorted(whole.numbers):
        if number < 10:
            yield Flaw(("numbers",), "small", "Small.", number, member=True)
    if len(whole.parts) * whole.count > 3:
        yield Flaw(("count",), "large", "Large.", because=(("parts",),))


def told(body: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        read(body)
    return {fault.pointer: fault.code for fault in remaining_flaws(body, places(caught.value, body), read, look)}


def test_flaws_of_the_sound_part_are_told_in_the_clients_positions() -> None:
    parts = [{"size": 1}, {"name": "a"}, {"nome": "x"}, {"name": "b"}, {"name": "a"}]
    assert told({"parts": parts, "numbers": ["x", 12, 3]}) == {"#/parts/4": "twice", "#/numbers/2": "small"}


def test_a_flaw_that_may_follow_from_what_is_wrong_is_not_told() -> None:
    assert told({"parts": [{"name": "a", "size": "x"}, {"name": "a"}], "count": 9}) == {}
    assert told({"parts": [{"name": "a"}, {"name": "b"}], "count": "x"}) == {}


def test_a_flaw_beside_what_is_wrong_is_told() -> None:
    assert told({"parts": [{"name": "a"}, {"name": "b"}], "foo": 1}) == {"#/count": "large"}


def test_nothing_is_said_of_a_body_without_a_sound_part() -> None:
    assert told({"numbers": [1]}) == {}
    assert told({"parts": [{"size": 1}], "numbers": [1]}) == {}
    assert told([]) == {}


def test_a_flaw_shows_what_stands_at_its_place() -> None:
    fault = flaw_error(Flaw(("parts", 0), "code", "Message."), {"parts": [{"name": "a"}]})
    assert (fault.pointer, fault.given) == ("#/parts/0", {"name": "a"})
    assert flaw_error(Flaw(("lacking",), "missing", "Message."), {}).given is None
