"""Validation: all that is wrong with a document at once, in its author's own words and paths."""
