"""The template environment: everything a user typed is escaped.

A field that a document lacks is shown as a dash, as one that is null: half a page beats none.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import ChainableUndefined, Environment, FileSystemLoader

from service.pages import words

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


@cache
def environment() -> Environment:
    """Templates with their filters, compiled once."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "count": words.count,
        "number": words.number,
        "short": words.short,
        "interval": words.interval,
        "percent": words.percent,
        "duration": words.duration,
        "moment": words.moment,
        "segment": words.segment,
    }
    return made
