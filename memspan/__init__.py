"""Memspan: how far back does a sequence model remember, and what does it use?

``memspan.run(spec)`` trains an experiment here and returns its tables; ``memspan.study(kind)`` runs a whole study and
judges its claims. The service stores and serves the same numbers.
"""

from memspan.experiment.run import run
from memspan.experiment.spec import ExperimentSpec
from memspan.run_study import study

__all__ = ["ExperimentSpec", "run", "study"]
