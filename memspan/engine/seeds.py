"""Randomness made of content: the same names give the same stream, in any order, anywhere."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import torch

SEED_BITS = 53
"""a seed survives a trip through JSON and JavaScript"""


def digest(*names: Any) -> int:
    """A whole number below 2^53 made from JSON-able names."""
    return _hashed(_text(names))


def beginning(*names: Any) -> str:
    """What ``digest_behind`` goes on from: names that many digests have in common are spelled once."""
    return _text(names).removesuffix("]")


def digest_behind(beginning: str, number: int) -> int:
    """The digest of the names of a beginning, one at least, and a number behind them."""
    return _hashed(f"{beginning},{number}]")


def _text(names: tuple[Any, ...]) -> str:
    return json.dumps(names, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> (64 - SEED_BITS)


def stream(*names: Any) -> torch.Generator:
    """A generator that nobody shares, seeded by its names, e.g. ``stream(seed, "shuffle", epoch)``."""
    return torch.Generator().manual_seed(digest(*names))
