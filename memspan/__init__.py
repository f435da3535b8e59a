"""Memspan: how far back does a sequence model remember, and what does it use?

``memspan.run(spec)`` trains an experiment here and returns its tables; the service stores and serves the same numbers.
"""

from memspan.experiment.run import run
from memspan.experiment.spec import ExperimentSpec

__all__ = ["ExperimentSpec", "run"]
