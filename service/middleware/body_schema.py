"""Body schemas: what OpenAPI says about the bodies that ``json_body`` reads, which FastAPI itself can't see."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from pydantic import TypeAdapter

REFERENCE = "#/components/schemas/"
LOCAL_REFERENCE = "#/$defs/"
NAME = "x-body-model"


def documented_body(
    model: type[Any] | TypeAdapter[Any],
    examples: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    required: bool = True,
) -> dict[str, Any]:
    """The ``openapi_extra`` of a route whose body is a ``model``.

    The schema travels inline, with the name of its component, until ``merge_body_schemas`` moves it there: so no
    register of models has to live anywhere.

    Args:
        model: what ``json_body`` got.
        examples: named example bodies.
        name: of the component; needed for a ``TypeAdapter``, else the class's name.
        required: False where ``json_body`` has an ``empty``.
    """
    return cast("dict[str, Any]", DocumentedBody(model, examples or {}, name or _class_name(model), required))


@dataclass(frozen=True)
class DocumentedBody(Mapping[str, Any]):
    """A mapping whose schema is made when somebody first looks into it: all of them take a tenth of a second."""

    model: type[Any] | TypeAdapter[Any]
    examples: Mapping[str, Any]
    name: str
    required: bool

    def __getitem__(self, key: str) -> Any:
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    @cached_property
    def _made(self) -> dict[str, Any]:
        adapter = self.model if isinstance(self.model, TypeAdapter) else TypeAdapter(self.model)
        content: dict[str, Any] = {"schema": adapter.json_schema(mode="validation") | {NAME: self.name}}
        if self.examples:
            content["examples"] = {title: {"value": value} for title, value in self.examples.items()}
        return {"requestBody": {"required": self.required, "content": {"application/json": content}}}


def _class_name(model: Any) -> str:
    if not isinstance(model, type):
        raise TypeError("A body that is no class needs a name for its schema.")
    return model.__name__


def merge_body_schemas(openapi: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with the schemas of documented bodies moved to ``components/schemas``; changed in place.

    A name that is already taken by a different schema (FastAPI's, of the same model in answers) gets ``-Input``.
    """
    for content in _contents(openapi):
        if NAME in content.get("schema", {}):
            schemas = openapi.setdefault("components", {}).setdefault("schemas", {})
            content["schema"] = _moved(content["schema"], schemas)
    return openapi


def _contents(openapi: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in openapi.get("paths", {}).values():
        for operation in path.values():
            if isinstance(operation, dict):
                yield from operation.get("requestBody", {}).get("content", {}).values()


def _moved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Put the schema and its definitions among ``schemas``; a reference to it stays."""
    name, parts = schema.pop(NAME), schema.pop("$defs", {})
    if name not in parts:  # else the schema is but a reference to that part, as of a model that contains itself
        parts[name] = schema
    plain = {part: _referring(body, {}) for part, body in parts.items()}
    known = [part for part in parts if part in schemas]
    conflict = any(schemas[part] != plain[part] for part in known)
    taken = {part: f"{part}-Input" for part in known} if conflict else {}
    for part, body in parts.items():
        schemas[taken.get(part, part)] = _referring(body, taken)
    return {"$ref": REFERENCE + taken.get(name, name)}


def _referring(schema: Any, renamed: Mapping[str, str]) -> Any:
    """The schema with references to its own definitions turned into references to components."""
    match schema:
        case dict():
            return {key: _referring(value, renamed) for key, value in schema.items()}
        case list():
            return [_referring(value, renamed) for value in schema]
        case str() if schema.startswith(LOCAL_REFERENCE):
            name = schema.removeprefix(LOCAL_REFERENCE)
            return REFERENCE + renamed.get(name, name)
        case _:
            return schema
