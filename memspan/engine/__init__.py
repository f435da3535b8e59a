"""The engine: trains a population of runs as one stacked program. Knows no web, no SQL and no queue."""
