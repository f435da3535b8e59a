"""Hostile bodies: small to send, and once dear to refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LATCH: dict[str, Any] = {"tasks": [{"kind": "latch"}], "models": [{"kind": "rnn"}], "lengths": [2]}
TASKS = [{"kind": "latch", "noise": round(0.01 + index / 1000, 4)} for index in range(64)]
MODELS = [{"kind": "rnn", "hidden_size": index + 1} for index in range(256)]
PROBES = [{"kind": "change", "index": 0, "percent": index + 1} for index in range(32)]
GRID: dict[str, Any] = {"tasks": TASKS, "models": MODELS, "lengths": list(range(2, 1002)), "probes": PROBES}
"""ten million conditions, and a third of a billion probes of them"""
SEARCH: dict[str, Any] = {
    "tasks": TASKS[:32],
    "models": MODELS,
    "lengths": {"search": {"low": 2, "high": 10_000, "tolerance": 0.02, "budget": 2}},
    "repeats": 1,
    "probes": PROBES,
}
"""98 304 runs at most, of millions of conditions"""
ASKED: dict[str, Any] = {**GRID, "lengths": [2, 3, 4, 5], "repeats": 1}
"""65 536 runs, and two million probes"""


LARGEST: dict[str, Any] = {"tasks": TASKS, "models": MODELS, "lengths": [2, 3, 4, 5, 6, 7], "repeats": 1}
"""98 304 conditions of one run: as many as may be, so this one is accepted"""


def raw(**fields: Any) -> bytes:
    """A sound spec with other fields."""
    return json.dumps({**LATCH, **fields}, separators=(",", ":")).encode()


SPECS: Mapping[str, bytes] = {
    "a grid of millions": raw(**GRID),
    "a search over a grid of millions": raw(**SEARCH),
    "millions of probes": raw(**ASKED),
    "49 000 empty tasks": raw(tasks=[{}] * 49_000),
    "99 000 empty models": raw(models=[{}] * 99_000),
    "49 000 unknown models": raw(models=[{"kind": "none"}] * 49_000),
    "all models wrong in several fields": raw(models=[{"kind": "lstm", "hidden_size": -1, "a": 1, "b": 2}] * 256),
    "99 000 lengths of nothing": raw(lengths=[0] * 99_000),
    "a thousand lengths that are texts": raw(lengths=["a"] * 1_000),
    "20 000 probes": raw(probes=[{"kind": "change"}] * 20_000),
    "99 000 labels": raw(labels=[1] * 99_000),
    "99 000 unknown fields": raw(**{f"field{index}": index for index in range(99_000)}),
    "unknown fields in every model": raw(
        models=[{"kind": "rnn"} | {f"f{index}": index for index in range(300)} for _ in range(256)]
    ),
    "fields with names of a megabyte": raw(**{"f" * 1_000_000 + str(index): 0 for index in range(15)}),
    "a name of 15 MB": raw(name="n" * 15_000_000),
    "a kind of 15 MB": raw(models=[{"kind": "n" * 15_000_000}]),
    "long fields named like their kinds": raw(models=[{"kind": "rnn", "rnn": "n" * 50_000}] * 256),
    "a list for a name": raw(name=[1] * 99_000),
    "a list": json.dumps([{}] * 99_000).encode(),
    "98 000 fields given twice": b'{"a":1,' + b",".join(b'"f%d":1,"f%d":2' % (n, n) for n in range(49_000)) + b"}",
    "half a million brackets": b'{"tasks":' + b"[" * 250_000 + b"]" * 250_000 + b"}",
    "objects within objects": b'{"tasks":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    "a million digits": raw(seed=1)[:-1] + b',"priority":' + b"9" * 1_000_000 + b"}",
    "a number beyond every float": raw(seed=1)[:-1] + b',"priority":1e999999999}',
    "a million commas": b"[" + b"0," * 1_000_000 + b"0]",
    "half a body": raw(**GRID)[:9_000],
    "zeros": b"\0" * 1_000_000,
}
"""bodies of POST /experiments, each refused"""
