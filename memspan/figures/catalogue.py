"""All figures by name, as they stand in ``/results/{id}/figures/{name}``."""

from __future__ import annotations

from collections.abc import Callable

from memspan.figures.document import Results
from memspan.figures.landscape import landscape
from memspan.figures.learning import learning
from memspan.figures.panel import Figure
from memspan.figures.probe import probe
from memspan.figures.score import score
from memspan.figures.span import span
from memspan.figures.success import success
from memspan.figures.theme import config

catalogue: dict[str, Callable[[Results], Figure]] = {
    "score": score,
    "success": success,
    "span": span,
    "probe": probe,
    "landscape": landscape,
    "learning": learning,
}


def draw(name: str, results: Results) -> Figure:
    """The figure ``name`` of a results document, in the light theme.

    Raises:
        KeyError: there is no such figure.
    """
    if name not in catalogue:
        raise KeyError(f"There is no figure {name!r}. Known are {', '.join(catalogue)}.")
    figure: Figure = catalogue[name](results).configure(**config("light"))
    return figure
