"""Experiments: the spec a user writes, its grid, its plan, and the results made of its runs."""
