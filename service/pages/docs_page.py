"""The page of the HTTP API, made of the OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from service.pages.environment import environment
from service.pages.schema_words import fields_of, meaning, resolved

Part = Mapping[str, Any]
JSON = "application/json"
COMPACT_CHARACTERS = 76
"""JSON up to this length stays on one line"""


@dataclass(frozen=True)
class Example:
    """A text to copy, with what it shows."""

    title: str
    text: str


@dataclass(frozen=True)
class Answer:
    """What an operation may answer."""

    status: str
    text: str
    media: tuple[str, ...]
    example: str | None


@dataclass(frozen=True)
class Operation:
    """One method of one path, as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    paragraphs: tuple[str, ...]
    parameters: tuple[dict[str, str], ...]
    fields: tuple[dict[str, str], ...]
    commands: tuple[Example, ...]
    answers: tuple[Answer, ...]
    problems: tuple[Answer, ...]


def render_docs(document: Part, origin: str) -> str:
    """The page of every operation; ``origin`` (``http://localhost:8000``) is where its command lines ask."""
    groups = [(tag, list(_operations(document, tag["name"], origin))) for tag in document["tags"]]
    problem = resolved({"$ref": "#/components/schemas/Problem"}, document)
    return (
        environment()
        .get_template("docs.html")
        .render(
            version=document["info"]["version"],
            paragraphs=_paragraphs(document["info"]["description"]),
            groups=groups,
            problem=_json(problem["examples"][0]),
        )
    )


def _operations(document: Part, tag: str, origin: str) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation.get("tags", []):
                yield _operation(document, path, method, operation, origin)


def _operation(document: Part, path: str, method: str, operation: Part, origin: str) -> Operation:
    parameters = operation.get("parameters", [])
    body = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
    answers = [_answer(document, status, answer) for status, answer in operation["responses"].items()]
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        paragraphs=_paragraphs(operation.get("description", "")),
        parameters=tuple(_parameter(document, parameter) for parameter in parameters),
        fields=tuple(fields_of(body["schema"], document)) if body else (),
        commands=tuple(_commands(method, origin + _asked(path, parameters), body)),
        answers=tuple(answer for answer in answers if answer.status < "4"),
        problems=tuple(answer for answer in answers if answer.status >= "4"),
    )


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


def _parameter(document: Part, parameter: Part) -> dict[str, str]:
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "meaning": meaning(parameter["schema"], document),
        "text": parameter.get("description", ""),
    }


def _asked(path: str, parameters: Sequence[Part]) -> str:
    """The path with an example for each of its parameters."""
    examples = {
        parameter["name"]: next(iter(parameter["schema"].get("examples", [])), parameter["name"])
        for parameter in parameters
        if parameter["in"] == "path"
    }
    return re.sub(r"{(\w+)}", lambda found: quote(str(examples.get(found[1], found[1]))), path)


def _commands(method: str, url: str, body: Part) -> Iterator[Example]:
    """Command lines that can be copied as they are."""
    if body:
        for title, example in body.get("examples", {}).items():
            data = _json(example["value"]).replace("'", "'\\''")
            yield Example(title, f"curl {url} -H 'Content-Type: {JSON}' -d '{data}'")
    else:
        yield Example("", f"curl {url}" if method == "get" else f"curl -X {method.upper()} {url}")


def _answer(document: Part, status: str, answer: Part) -> Answer:
    whole = resolved(answer, document)
    content = whole.get("content", {})
    schema = resolved(content.get(JSON, {}).get("schema", {}), document)
    example = next(iter(schema.get("examples", [])), None)
    return Answer(status, whole.get("description", ""), tuple(content), _json(example) if example else None)


def _json(value: Any, indent: str = "") -> str:
    """JSON with short parts on one line, so that a spec reads as a person would write it."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= COMPACT_CHARACTERS or not value or not isinstance(value, dict | list):
        return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        members = [f"{json.dumps(key, ensure_ascii=False)}: {_json(each, deeper)}" for key, each in value.items()]
    else:
        members = [_json(each, deeper) for each in value]
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    return f"{opening}\n{deeper}" + f",\n{deeper}".join(members) + f"\n{indent}{closing}"
