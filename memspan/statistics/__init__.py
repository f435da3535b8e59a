"""Intervals over repeats (bootstrap, Wilson), the memory span, how numbers are written. Numpy, and LLVM for a loop."""
