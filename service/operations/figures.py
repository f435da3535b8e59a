"""Figures of stored experiments, drawn once for each state of their results."""

import json
import threading
from typing import Any, Literal, cast

from service.operations import results
from service.operations.context import Context

Theme = Literal["light", "dark"]
MEDIA = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
_drawing = threading.Lock()
"""the renderer is one engine: two at once would only take twice its memory"""


def names() -> tuple[str, ...]:
    """All figures."""
    from memspan.figures import catalogue  # charts take a second to import: not before somebody looks at one

    return tuple(catalogue)


def draw_spec(context: Context, key: int, name: str, theme: Theme) -> bytes:
    """A figure as Vega-Lite JSON."""
    from memspan.figures import draw, spec

    def make() -> bytes:
        return json.dumps(spec(draw(name, _document(context, key, name)), theme)).encode()

    return context.results.get((key, _sequence(context, key), f"{name}-{theme}"), make)


def draw_file(context: Context, key: int, name: str, form: str) -> bytes:
    """A figure as a PNG, SVG or PDF file."""
    from memspan.figures import draw, render

    def make() -> bytes:
        with _drawing:
            return render(draw(name, _document(context, key, name)), cast(Any, form))

    return context.results.get((key, _sequence(context, key), f"{name}.{form}"), make)


def _sequence(context: Context, key: int) -> int:
    return int(results.version(context, key).rpartition("-")[2])


def _document(context: Context, key: int, name: str) -> dict[str, Any]:
    """The results, with the learning curves where the figure shows them."""
    document = results.results_document(context, key)
    return {**document, "learning": results.learning(context, key)} if name == "learning" else document
