"""Sentences: what a pydantic error means to a client, as a stable code and a phrase."""

from collections.abc import Mapping, Sized
from typing import Any

from memspan.validation.shown import shown

WRONG_TYPE = "wrong_type"
MISSING = "missing"
UNKNOWN_FIELD = "unknown_field"
UNKNOWN_KIND = "unknown_kind"
INVALID = "invalid"

PHRASES: Mapping[str, tuple[str, str]] = {
    "int_type": (WRONG_TYPE, "a whole number"),
    "int_from_float": (WRONG_TYPE, "a whole number"),
    "int_parsing": (WRONG_TYPE, "a whole number"),
    "int_parsing_size": ("too_large", "a whole number of fewer digits"),
    "float_type": (WRONG_TYPE, "a number"),
    "float_parsing": (WRONG_TYPE, "a number"),
    "bool_type": (WRONG_TYPE, "true or false"),
    "bool_parsing": (WRONG_TYPE, "true or false"),
    "string_type": (WRONG_TYPE, "a text"),
    "list_type": (WRONG_TYPE, "a list"),
    "tuple_type": (WRONG_TYPE, "a list"),
    "set_type": (WRONG_TYPE, "a list"),
    "frozen_set_type": (WRONG_TYPE, "a list"),
    "dict_type": (WRONG_TYPE, "an object"),
    "mapping_type": (WRONG_TYPE, "an object"),
    "model_type": (WRONG_TYPE, "an object"),
    "model_attributes_type": (WRONG_TYPE, "an object"),
    "dataclass_type": (WRONG_TYPE, "an object"),
    "form_type": (WRONG_TYPE, "{required}"),
    "none_required": (WRONG_TYPE, "null"),
    "finite_number": ("not_finite", "a finite number"),
    "greater_than": ("too_small", "above {gt}"),
    "greater_than_equal": ("too_small", "at least {ge}"),
    "less_than": ("too_large", "below {lt}"),
    "less_than_equal": ("too_large", "at most {le}"),
    "multiple_of": ("not_a_multiple", "a multiple of {multiple_of}"),
    "out_of_range": ("out_of_range", "between {low} and {high}"),
    "literal_error": ("not_allowed", "{expected}"),
    "enum": ("not_allowed", "{expected}"),
    "string_too_short": ("too_short", "at least {min_length} characters long"),
    "string_too_long": ("too_long", "at most {max_length} characters long"),
    "too_short": ("too_short", "at least {min_length} items long"),
    "too_long": ("too_long", "at most {max_length} items long"),
    "string_pattern_mismatch": ("wrong_form", "of the form {pattern}"),
}
"""Of a pydantic error type: our code, and how to go on after "must be"."""

CODES: Mapping[str, str] = {
    "missing": MISSING,
    "union_tag_not_found": MISSING,
    "extra_forbidden": UNKNOWN_FIELD,
    "union_tag_invalid": UNKNOWN_KIND,
    "value_error": INVALID,
    "assertion_error": INVALID,
}
"""Of the other pydantic types: our code. A type raised by a model's own validator is its own code."""


def code(error: Mapping[str, Any]) -> str:
    """The stable code of a pydantic error."""
    kind = str(error["type"])
    return PHRASES[kind][0] if kind in PHRASES else CODES.get(kind, kind)


def phrase(error: Mapping[str, Any]) -> str | None:
    """What the value must be, ``at most 4096``; None where the error isn't about that.

    A model's own validator may raise one of these types with another context: then its own message is told.
    """
    kind = error["type"]
    if kind not in PHRASES:
        return None
    try:
        return PHRASES[kind][1].format_map(_plain(error.get("ctx", {})))
    except KeyError:
        return None


def _plain(context: Mapping[str, Any]) -> dict[str, Any]:
    """The context with whole numbers written as such: pydantic calls the limit 60 of a float 60.0."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value
        for name, value in context.items()
    }


def sentence(subject: str, error: Mapping[str, Any], given: object) -> str:
    """The whole sentence about one error: what stands there, what is allowed, what was given."""
    required = phrase(error)
    if required is not None:
        return must_be(subject, required, given)
    match error["type"]:
        case "missing" | "union_tag_not_found":
            return f"{subject} is missing."
        case "extra_forbidden":
            return f"{subject} is not a field known here."
        case "union_tag_invalid":
            return must_be(subject, "one of " + error["ctx"]["expected_tags"], given)
        case "value_error" | "assertion_error":
            return str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
        case _:
            return str(error["msg"])


def must_be(subject: str, required: str, given: object) -> str:
    """``hidden_size must be at most 4096, not 9999.``"""
    return f"{subject} must be {required}, not {_named(given, required)}."


def _named(given: object, required: str) -> str:
    """The given value in a few words: a length where a length is asked for, a short text, else its type."""
    if required.endswith(" long") and isinstance(given, Sized):
        return str(len(given))
    match given:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[given]
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return repr(given if len(given) <= 60 else given[:60] + "…")
        case _:
            return str(shown(given))
