"""Schemas in words, as the page of the API says them."""

from __future__ import annotations

from typing import Any

import pytest

from service.pages.schema_words import fields_of, meaning

DOCUMENT = {"parts": {"A": {"type": "object", "properties": {"kind": {"const": "a"}}}, "B": {"$ref": "#/parts/C"},
                      "C": {"type": "integer", "minimum": 1}}}  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 500, "default": 50}, "whole number, 1 to 500; 50 when left out"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "number, above 0, at most 1"),
        ({"type": "string", "maxLength": 64}, "text, at most 64 characters"),
        ({"type": "boolean", "default": False}, "true or false; false when left out"),
        ({"enum": ["light", "dark"]}, "light, dark"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}, "whole number"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 9}, "list of 1 to 9: whole number"),
        ({"oneOf": [{"$ref": "#/parts/A"}, {"$ref": "#/parts/B"}]}, "{kind: a} or whole number, at least 1"),
        ({}, "anything"),
    ],
)
def test_a_schema_is_said_in_a_few_words(schema: dict[str, Any], words: str) -> None:
    assert meaning(schema, DOCUMENT) == words


def test_the_fields_of_a_body_say_which_are_required() -> None:
    schema = {"required": ["a"], "properties": {"a": {"type": "integer", "description": "one\n\ntwo"}, "b": {}}}
    found = list(fields_of(schema, DOCUMENT))
    assert [(field["name"], field["required"], field["text"]) for field in found] == [
        ("a", "required", "one"),
        ("b", "", ""),
    ]
