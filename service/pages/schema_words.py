"""JSON Schema in a few words, for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Part = Mapping[str, Any]
TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "object": "object",
}
UNITS = {"string": " characters"}


def resolved(part: Part, document: Part) -> Part:
    """The part itself, or what its reference leads to in the document."""
    while "$ref" in part:
        place: Any = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            place = place[name]
        part = place
    return part


def meaning(schema: Part, document: Part) -> str:
    """What may stand in a place: ``whole number, at least 1, at most 500; 50 when left out``."""
    words = _kind(schema, document)
    if schema.get("default") is not None and schema["default"] not in ("", [], {}):
        default = schema["default"]
        said = json.dumps(default, ensure_ascii=False)
        words += f"; {said} when left out" if len(said) <= 40 else "; has a default"
    return words


def _kind(schema: Part, document: Part) -> str:
    """The kind of values with their bounds."""
    whole = resolved(schema, document)
    forms = [form for form in (*whole.get("anyOf", []), *whole.get("oneOf", [])) if form.get("type") != "null"]
    if forms:
        return " or ".join(dict.fromkeys(_kind(form, document) for form in forms))
    if "const" in whole or "enum" in whole:
        return ", ".join(map(str, whole.get("enum", [whole.get("const")])))
    if whole.get("type") == "array":
        size = _range(whole, "minItems", "maxItems")
        return f"list{' of ' + size if size else ''}: {_kind(whole.get('items', {}), document)}"
    if whole.get("type") == "object" and "kind" in whole.get("properties", {}):
        return _tag(whole)
    kind = str(whole.get("type"))
    size = _range(whole, "minimum", "maximum") or _range(whole, "minLength", "maxLength")
    above = f"above {whole['exclusiveMinimum']}" if "exclusiveMinimum" in whole else ""
    below = f"below {whole['exclusiveMaximum']}" if "exclusiveMaximum" in whole else ""
    return ", ".join(filter(None, [TYPES.get(kind, "anything"), above, below, size and size + UNITS.get(kind, "")]))


def _tag(part: Part) -> str:
    """A part of a tagged union by its tag."""
    return f"{{kind: {part['properties']['kind'].get('const', 'text')}}}"


def _range(schema: Part, least: str, most: str) -> str:
    """``1 to 64``, ``at least 1``, ``at most 64``, or nothing."""
    if least in schema and most in schema:
        return f"{schema[least]} to {schema[most]}"
    if least in schema:
        return f"at least {schema[least]}"
    return f"at most {schema[most]}" if most in schema else ""


def fields_of(schema: Part, document: Part) -> Iterator[dict[str, str]]:
    """The fields of a body; none for a body that is one of several parts."""
    whole = resolved(schema, document)
    needed = whole.get("required", [])
    for name, field in whole.get("properties", {}).items():
        text = field.get("description") or resolved(field, document).get("description", "")
        yield {
            "name": name,
            "required": "required" if name in needed else "",
            "meaning": meaning(field, document),
            "text": " ".join(text.split("\n\n")[0].split()),
        }
