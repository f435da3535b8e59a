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
    text = json.dumps(names, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> (64 - SEED_BITS)


def stream(*names: Any) -> torch.Generator:
    """A generator that nobody shares, seeded by its names, e.g. ``stream(seed, "shuffle", epoch)``."""
    return torch.Generator().manual_seed(digest(*names))
