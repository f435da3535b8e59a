"""Secrets of keys: recognisable, random, and refused where a character is wrong."""

import pytest

from service.operations.key_secret import digest, hint, new_secret, well_formed


def test_a_secret_is_well_formed_and_its_hint_tells_little_of_it() -> None:
    secret = new_secret()
    assert well_formed(secret)
    assert len(secret) == 5 + 43 + 6
    assert secret.startswith("mspn_")
    assert hint(secret) == secret[:9]


def test_secrets_differ() -> None:
    assert len({new_secret() for _ in range(1_000)}) == 1_000


def test_a_digest_is_that_of_the_whole_secret() -> None:
    secret = new_secret()
    assert digest(secret) != digest(secret[:-1])
    assert secret not in digest(secret)


@pytest.mark.parametrize("place", range(54))
def test_one_wrong_character_anywhere_is_seen(place: int) -> None:
    secret = new_secret()
    other = "a" if secret[place] != "a" else "b"
    assert not well_formed(secret[:place] + other + secret[place + 1 :])


@pytest.mark.parametrize("text", ["", "mspn_", "x" * 54, "mspn_" + "0" * 49 + "\n", "mspn_" + "٣" * 49])
def test_other_texts_are_none(text: str) -> None:
    assert not well_formed(text)
