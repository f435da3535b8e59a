"""Pointers: where in the client's own document a wrong value stands (RFC 6901)."""

import reprlib
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

Token = str | int
Path = tuple[Token, ...]

NAMED_CHARACTERS = 60
"""How much of a field name, which a client may have made up, is repeated in a sentence."""

POINTED_CHARACTERS = 200
"""How much of it stands in a pointer: no real field has a longer name, and a made-up one may have millions."""

UNESCAPED_IN_FRAGMENT = "!$&'()*+,;=:@-._~"


def pointer(path: Path) -> str:
    """The path as a URI fragment: ``("models", 1, "a/b")`` is ``#/models/1/a~1b``."""
    escaped = (str(part)[:POINTED_CHARACTERS].replace("~", "~0").replace("/", "~1") for part in path)
    return "#" + "".join("/" + quote(part, safe=UNESCAPED_IN_FRAGMENT) for part in escaped)


def subject(path: Path) -> str:
    """How a sentence names the place: ``hidden_size``, ``lengths[2]``, or the body for the empty path."""
    path = tuple(part[:NAMED_CHARACTERS] if isinstance(part, str) else part for part in path)
    names = [index for index, part in enumerate(path) if isinstance(part, str)]
    if not names:
        return "The body" + "".join(f"[{part}]" for part in path)
    return str(path[names[-1]]) + "".join(f"[{part}]" for part in path[names[-1] + 1 :])


class Walk:
    """One reading of a pydantic ``loc`` against a body: the steps that exist, and the labels between them.

    pydantic puts the tags of unions into ``loc``; a client never wrote them, so they are no steps of his path.

    Attributes:
        path: steps that exist in the body.
        labels: the union labels met, each with the path it stood at.
        value: what the body holds at ``path``.
    """

    def __init__(self, value: Any, path: Path = (), labels: tuple[tuple[Path, str], ...] = ()) -> None:
        self.value = value
        self.path = path
        self.labels = labels

    def onward(self, part: Token) -> "Iterator[Walk]":
        """The walks that reading one more part may mean: a step, a label, or (a key named like its tag) either."""
        exists = _holds(self.value, part)
        if exists:
            yield Walk(self.value[part], (*self.path, part), self.labels)
        if not exists or _is_tag(self.value, part):
            yield Walk(self.value, self.path, (*self.labels, (self.path, str(part))))


def walk(body: Any, loc: Sequence[Token], given: object) -> Walk:
    """Follow ``loc`` along the body as far as it exists, and choose the reading that ends at the value ``given``."""
    walks = [Walk(body)]
    for part in loc:
        walks = [further for known in walks for further in known.onward(part)]
    if len(walks) == 1:
        return walks[0]
    return next((found for found in walks if reprlib.repr(found.value) == reprlib.repr(given)), walks[0])


def _holds(value: Any, part: Token) -> bool:
    match value:
        case dict():
            return part in value
        case list():
            return isinstance(part, int) and 0 <= part < len(value)
        case _:
            return False


def _is_tag(value: Any, part: Token) -> bool:
    return isinstance(value, dict) and value.get("kind") == part
