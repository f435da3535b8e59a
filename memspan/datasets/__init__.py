"""Collected data sets: where their files lie, how they are checked and read, and choosing sequences of them."""
