"""Instruments: predictors of known memory. A probe is proved on them before it is believed on a model."""

from memspan.instruments.adder import adder
from memspan.instruments.blind import blind
from memspan.instruments.echo import echo
from memspan.instruments.leaky import leaky

__all__ = ["adder", "blind", "echo", "leaky"]
