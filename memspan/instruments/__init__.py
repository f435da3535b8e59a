"""Instruments: predictors of known memory. A probe is proved on them before it is believed on a model."""

from memspan.instruments.delay_line import delay_line, turned_delay_line
from memspan.instruments.formulas import adder, blind, echo, leaky
from memspan.instruments.gate import gate
from memspan.instruments.linear import linear
from memspan.instruments.one_unit_map import one_unit_map

__all__ = ["adder", "blind", "delay_line", "echo", "gate", "leaky", "linear", "one_unit_map", "turned_delay_line"]
