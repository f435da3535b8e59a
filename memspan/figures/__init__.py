"""Charts of an experiment's results, for the dashboard, a notebook or a paper: ``catalogue.draw("score", results)``."""
