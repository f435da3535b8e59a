"""Excerpts: of a body as much as its model can hold, so that what is wrong with the rest costs nothing.

pydantic looks at every item of a list before it says that there are too many, and at every field that it doesn't know:
a body of 147 kB was 35 seconds of errors. What the JSON Schema of a model caps is counted here first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter

from memspan.validation.places import LISTED_ERRORS
from memspan.validation.pointer import Path, pointer, subject
from memspan.validation.sentences import must_be
from service.errors import FieldError

Schema = Mapping[str, Any]
LOCAL_REFERENCE = "#/$defs/"


@dataclass
class Excerpt:
    """What is looked at of a body.

    Attributes:
        body: the body, lists cut to their caps, and without most of the fields that nobody knows.
        errors: a list or object that holds too many items, each.
        unlisted: unknown fields that were left out beside those that stay in the body to be told.
    """

    body: Any = None
    errors: list[FieldError] = field(default_factory=list)
    unlisted: int = 0
    room: int = LISTED_ERRORS

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return not self.errors and not self.unlisted


class Caps:
    """How many items the lists and objects of a model may hold, read from its JSON Schema when first asked."""

    def __init__(self, adapter: TypeAdapter[Any]) -> None:
        self._adapter = adapter

    @cached_property
    def schema(self) -> Schema:
        """The JSON Schema of the model."""
        return self._adapter.json_schema(mode="validation")

    def excerpt(self, body: Any) -> Excerpt:
        """As much of a body as the model can hold; the work is bounded by that, not by the body."""
        made = Excerpt()
        made.body = self._cut(body, [self.schema], (), made)
        return made

    def _cut(self, value: Any, forms: Sequence[Schema], path: Path, made: Excerpt) -> Any:
        match value:
            case list():
                return self._cut_list(value, [*self._plain(forms, value)], path, made)
            case dict():
                return self._cut_object(value, [*self._plain(forms, value)], path, made)
            case _:
                return value

    def _plain(self, forms: Sequence[Schema], value: Any) -> Iterator[Schema]:
        """The forms without references and unions; of a union told apart by a tag only the one that is tagged."""
        for form in forms:
            if "$ref" in form:
                yield from self._plain([self.schema["$defs"][form["$ref"].removeprefix(LOCAL_REFERENCE)]], value)
            elif "discriminator" in form:
                yield from self._plain(_tagged(form, value), value)
            elif union := form.get("anyOf") or form.get("oneOf") or form.get("allOf"):
                yield from self._plain(union, value)
            else:
                yield form

    def _cut_list(self, value: list[Any], forms: Sequence[Schema], path: Path, made: Excerpt) -> list[Any]:
        forms = [form for form in forms if form.get("type") == "array"]
        if len(value) > (most := _most(forms, "maxItems")):
            _tell_too_long(value, most, "items", path, made)
        items = [form["items"] for form in forms if "items" in form]
        if not items:
            return value[: _whole(most)]
        return [self._cut(item, items, (*path, index), made) for index, item in enumerate(value[: _whole(most)])]

    def _cut_object(self, value: dict[str, Any], forms: Sequence[Schema], path: Path, made: Excerpt) -> dict[str, Any]:
        forms = [form for form in forms if form.get("type") == "object"]
        if len(value) > (most := _most(forms, "maxProperties")):
            _tell_too_long(value, most, "fields", path, made)
            value = {key: value[key] for key, _ in zip(value, range(_whole(most) or 0), strict=False)}
        if not forms or any(form.get("additionalProperties", True) is not False for form in forms):
            return value
        known: dict[str, list[Schema]] = {}
        for form in forms:
            for name, schema in form.get("properties", {}).items():
                known.setdefault(name, []).append(schema)
        kept: dict[str, Any] = {}
        for key, item in value.items():
            if key in known:
                kept[key] = self._cut(item, known[key], (*path, key), made)
            elif made.room > 0:
                kept[key] = item
                made.room -= 1
            else:
                made.unlisted += 1
        return kept


def _tagged(form: Schema, value: Any) -> list[Schema]:
    """The form that a tag names; all of them where it names none, and then no list within is looked at."""
    tag = value.get(form["discriminator"]["propertyName"]) if isinstance(value, dict) else None
    mapping = form["discriminator"].get("mapping", {})
    return [{"$ref": mapping[tag]}] if isinstance(tag, str) and tag in mapping else []


def _most(forms: Sequence[Schema], word: str) -> float:
    """The largest cap of some forms; without an end where one of them has none."""
    return max((form.get(word, float("inf")) for form in forms), default=float("inf"))


def _whole(most: float) -> int | None:
    return None if most == float("inf") else int(most)


def _tell_too_long(value: Any, most: float, items: str, path: Path, made: Excerpt) -> None:
    message = must_be(subject(path), f"at most {_whole(most)} {items} long", value)
    made.errors.append(FieldError(pointer(path), "too_long", message, value))
