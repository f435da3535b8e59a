"""Scores of what is not trained: exact optima and random weights, to hold models against."""
