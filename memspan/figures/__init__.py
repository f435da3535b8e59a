"""Charts of an experiment's results, for the dashboard, a notebook or a paper: ``draw("score", results)``."""

from memspan.figures.catalogue import catalogue, draw
from memspan.figures.label import label
from memspan.figures.render import paper, render, spec

__all__ = ["catalogue", "draw", "label", "paper", "render", "spec"]
