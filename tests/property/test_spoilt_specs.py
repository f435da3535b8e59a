"""A sound spec with something else at some places: refused in the client's own paths, or planned; never a 5xx."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from memspan.experiment.spec import EXAMPLE
from tests.contract.problems import told
from tests.property.conftest import Ground

SOUND: dict[str, Any] = {**EXAMPLE, "labels": ["first"], "limits": {"max_seconds": 60}, "name": "sound"}
NUMBERS = st.integers(-(10**20), 10**20) | st.integers(-3, 12_000) | st.floats()
TEXTS = st.text(st.characters(codec="utf-8"), max_size=300) | st.sampled_from(["lstm", "latch", "change", "NaN", "\0"])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | st.just("kind"), inner, max_size=4),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        yield from places(each, (*path, key))


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value at a place, as far as the place is still there."""
    if not path:
        return value
    if isinstance(document, dict | list):
        try:
            document[path[0]] = replaced(document[path[0]], path[1:], value)
        except (LookupError, TypeError):
            return document
    return document


PLACES = st.sampled_from(list(places(SOUND)))


@settings(max_examples=400)
@given(st.lists(st.tuples(PLACES, VALUES), min_size=1, max_size=4))
def test_a_spoilt_spec_is_refused_in_the_clients_paths(
    ground: Ground, changes: list[tuple[tuple[Any, ...], Any]]
) -> None:
    spec: Any = copy.deepcopy(SOUND)
    for path, value in changes:
        spec = replaced(spec, path, value)
    answer = ground.stage.client.post("/experiments?dry_run=true", content=json.dumps(spec))
    if answer.status_code != 200:
        for fault in told(answer, 422)["errors"]:
            assert leads_into(spec, fault["pointer"]), fault
            assert fault["message"]


def leads_into(document: Any, pointer: str) -> bool:
    """Whether all but the last step of a pointer is there: what is missing stands at the last."""
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in unquote(pointer).split("/")]
    for part in way[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return pointer == "#" or isinstance(document, dict) or (isinstance(document, list) and last.isdigit())


@settings(max_examples=200)
@given(VALUES)
def test_any_inputs_are_answered_or_named(ground: Ground, inputs: Any) -> None:
    path = f"{ground.ids['/checkpoints/']}/predictions"
    answer = ground.stage.client.post(f"/checkpoints/{path}", content=json.dumps({"inputs": inputs}))
    if answer.status_code != 200:
        assert all(fault["pointer"].startswith("#/inputs") for fault in told(answer, 422)["errors"])
