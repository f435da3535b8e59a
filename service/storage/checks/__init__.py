"""Checks: what must hold of stored rows. A check is one file here, and shows up in ``memspan doctor`` by itself.

A check's file has:

- a docstring, whose first line says what must hold;
- ``find(connection)``, which yields a sentence for each thing of which it doesn't;
- ``ADVICE``, a sentence that says what to do;
- where it can be mended safely while the service runs: ``mend(connection)``, which mends some of them in one short
  unit of work and returns how many; it is called until nothing is left.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

Find = Callable[[Connection], Iterator[str]]
Mend = Callable[[Connection], int]
AT_ONCE = 200
"""rows that one unit of work mends"""


@dataclass(frozen=True)
class Check:
    """One of the checks; ``name`` is its file's."""

    name: str
    rule: str
    advice: str
    find: Find
    mend: Mend | None


def every_check() -> tuple[Check, ...]:
    """All checks by their names."""
    return tuple(_check(info.name) for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name))


def _check(name: str) -> Check:
    module = importlib.import_module(f"{__name__}.{name}")
    rule = (module.__doc__ or "").strip().partition("\n")[0]
    return Check(name, rule, module.ADVICE, module.find, getattr(module, "mend", None))
