"""Figures of stored experiments, drawn once for each state of their results."""

import json
import subprocess
import sys
from typing import Any, Literal

from memspan.figures import drawing
from memspan.figures.catalogue import draw
from memspan.figures.render import paper, spec
from service.errors import Unavailable
from service.operations import results
from service.operations.context import Context

Theme = Literal["light", "dark"]
MEDIA = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
DRAW_SECONDS = 60


def draw_spec(context: Context, key: int, name: str, theme: Theme) -> bytes:
    """A figure as Vega-Lite JSON."""

    def make() -> bytes:
        return json.dumps(spec(draw(name, _document(context, key, name)), theme)).encode()

    return context.results((key, results.version(context, key), f"{name}-{theme}"), make)


def draw_file(context: Context, key: int, name: str, form: str) -> bytes:
    """A figure as a PNG, SVG or PDF file, drawn by a process of its own; two at once would take twice the memory."""

    def make() -> bytes:
        return _drawn(json.dumps(paper(draw(name, _document(context, key, name)))), form)

    return context.results((key, results.version(context, key), f"{name}.{form}"), make)


def _drawn(document: str, form: str) -> bytes:
    # By its path and without its folder on the module path: importing our package would take it seconds.
    # The form is one of the route's own; the document goes by standard input.
    command = [sys.executable, "-P", drawing.__file__, form]
    try:
        done = subprocess.run(command, input=document.encode(), capture_output=True, check=True, timeout=DRAW_SECONDS)  # noqa: S603
    except (subprocess.SubprocessError, OSError) as error:
        raise Unavailable(f"The figure could not be drawn now: {type(error).__name__}. Try again.") from error
    return done.stdout


def _document(context: Context, key: int, name: str) -> dict[str, Any]:
    """The results, with what they hold by a link only where the figure shows it."""
    document = results.results_document(context, key)
    if name == "learning":
        return {**document, "learning": results.learning(context, key)}
    return {**document, "probes": results.landscapes(context, key)} if name == "landscape" else document
