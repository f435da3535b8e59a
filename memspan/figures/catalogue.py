"""All figures by name, as they stand in ``/results/{id}/figures/{name}``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from memspan.figures.document import Results

if TYPE_CHECKING:
    from memspan.figures.panel import Figure

FIGURES = ("score", "success", "span", "budget", "comparison", "tuning", "probe", "landscape", "learning", "by_lag")
"""each is the function of its name in the file of its name, imported when it is drawn: altair takes half a second"""


def draw(name: str, results: Results) -> Figure:
    """The figure ``name`` of a results document, in the light theme.

    Raises:
        KeyError: there is no such figure.
    """
    from memspan.figures.theme import config

    if name not in FIGURES:
        raise KeyError(f"There is no figure {name!r}. Known are {', '.join(FIGURES)}.")
    figure: Figure = getattr(import_module(f"memspan.figures.{name}"), name)(results)
    drawn: Figure = figure.configure(**config("light"))
    return drawn
