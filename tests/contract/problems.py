"""Problem documents as a client sees them, held to RFC 9457 and to what the contract adds."""

from __future__ import annotations

import json
from typing import Any

import httpx

MEDIA = "application/problem+json"


def told(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer, whose form is checked."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == MEDIA
    document: dict[str, Any] = json.loads(answer.content, parse_constant=_refuse)
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= set(document)
    assert document["status"] == status
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["detail"].endswith("."), "a sentence"
    return document


def field_errors(answer: httpx.Response, status: int = 422) -> dict[str, str]:
    """The code of every wrong field by its pointer."""
    errors = told(answer, status)["errors"]
    assert all(set(error) == {"pointer", "code", "message", "given"} for error in errors)
    found = {error["pointer"]: error["code"] for error in errors}
    assert len(found) == len(errors), "a place is complained about once"
    return found


def message(answer: httpx.Response, pointer: str, status: int = 422) -> str:
    """What is said about one field."""
    return next(str(error["message"]) for error in told(answer, status)["errors"] if error["pointer"] == pointer)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
