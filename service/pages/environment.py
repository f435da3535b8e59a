"""The template environment: everything a user typed is escaped.

A field that a document lacks is shown as a dash, as one that is null: half a page beats none.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import ChainableUndefined, Environment, FileSystemLoader

from memspan.figures import training_words
from memspan.statistics import notation
from service.middleware.visitor import VISITOR
from service.pages.bundle import bundle_digest

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
BUNDLE = "vega.js"
"""the chart library, which is made and not kept in a file"""


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
    made.globals |= {"visitor": VISITOR.get, "static": static_address}
    made.filters |= {
        "number": notation.number,
        "with_interval": notation.with_interval,
        "share": notation.share,
        "duration": notation.duration,
        "moment": moment,
        "convergence": training_words.convergence_word,
        "ends": training_words.runs_words,
        "steps_to_solve": training_words.steps_words,
        "segment": segment,
    }
    return made


def static_address(name: str) -> str:
    """Where a file of the dashboard lies, by digest: a browser that has it never asks again."""
    return f"/static/{name}?v={static_digest(name)}"


@cache
def static_digest(name: str) -> str:
    """Of a file that pages need, or of the chart library."""
    return bundle_digest() if name == BUNDLE else hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:16]


def moment(value: object) -> str:
    """An RFC 3339 time as ``2024-05-02 10:11 UTC``."""
    if not isinstance(value, str | datetime):
        return notation.UNKNOWN
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return f"{time.astimezone(UTC) if time.tzinfo else time:%Y-%m-%d %H:%M} UTC"


def segment(value: object) -> str:
    """A value as one segment of a path in a link."""
    return quote(str(value), safe="")
