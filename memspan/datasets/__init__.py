"""Collected data sets: their files, and choosing sequences of them; drawing many sequences in parts."""
