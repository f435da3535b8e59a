"""Intervals over repeats (bootstrap, Wilson), the memory span, and how numbers are written. Numpy only."""
