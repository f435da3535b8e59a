"""Masking: secrets leave no letter, and innocent text stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.masking import masked, masked_value


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+psycopg://u:hunter2@host/db",
        "redis://:p@ss/hunter2@host:6379/0",
        "Authorization: Bearer hunter2",
        '{"authorization": "Bearer hunter2", "a": 1}',
        "[(b'cookie', b'memspan=hunter2; a=b'), (b'host', b'x')]",
        "GET /x?api_key=hunter2&b=1",
        '{"password": "he said \\"hunter2\\""}',
        "headers={'x-api-key': 'hunter2'}",
        "Set-Cookie: memspan=hunter2; HttpOnly",
        "authorization: Basic hunter2",
        "the key mspn_0123456789hunter2abcdefghijk is not known",
    ],
)
def test_a_secret_is_known_by_where_it_stands(text: str) -> None:
    assert "hunter2" in text
    assert "hunter2" not in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "Memspan serves at http://127.0.0.1:8000/results",
        "connection to server at 127.0.0.1, port 5432 failed",
        "a token is 64 wide: 1 200 tokens of the vocabulary",
        "mail somebody@example.org",
        "the key mspn_Ab12 is shown by its first letters",
        "2026-11-21T15:32:08.583466Z",
    ],
)
def test_innocent_text_stays_as_it_is(text: str) -> None:
    assert masked(text) == text


def test_a_secret_known_by_its_letters_is_found_anywhere_and_short_ones_nowhere() -> None:
    assert masked("x-correct horse-x", ["correct horse", "x"]) == "x-***-x"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_masked_values_are_still_json(value: Any) -> None:
    json.loads(json.dumps(masked_value(value)))


def test_names_that_say_that_a_secret_follows_hide_all_that_follows() -> None:
    given_ = {"headers": {"X-Api-Key": ["a", "b"], "n": 1}, "set-cookie": 7, "key": "lab"}
    assert masked_value(given_) == {"headers": {"X-Api-Key": "***", "n": 1}, "set-cookie": "***", "key": "lab"}
