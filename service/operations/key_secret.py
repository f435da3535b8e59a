"""Secrets of keys: 256 random bits between a prefix that is recognised and a checksum that tells a misspelt one.

A secret is random, so it needs no slow hash: nobody can try 2^256 of them. Tools that look for leaked secrets find
the prefix; the checksum refuses what was cut off or mistyped without a look at any key.
"""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "mspn_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
BODY, CHECKSUM = 43, 6
"""characters of 62: 62^43 > 2^256, 62^6 > 2^32"""
FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{BODY + CHECKSUM}}}", re.ASCII)
HINT = len(PREFIX) + 4
"""characters that are kept to recognise a key by"""


def new_secret() -> str:
    """A secret of a new key."""
    body = PREFIX + _written(secrets.randbits(256), BODY)
    return body + _checksum(body)


def well_formed(secret: str) -> bool:
    """Whether a text can be a secret: its form and its checksum are right."""
    return FORM.fullmatch(secret) is not None and secret[-CHECKSUM:] == _checksum(secret[:-CHECKSUM])


def digest(secret: str) -> str:
    """What is stored of a secret: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hint(secret: str) -> str:
    """How a secret begins."""
    return secret[:HINT]


def _checksum(text: str) -> str:
    return _written(zlib.crc32(text.encode()), CHECKSUM)


def _written(number: int, width: int) -> str:
    """A number in the digits of ALPHABET, the last one first to go."""
    letters = []
    for _ in range(width):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return "".join(reversed(letters))
