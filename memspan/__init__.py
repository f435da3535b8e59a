"""Memspan: how far back does a sequence model remember, and what does it use?

``memspan.run(spec)`` trains an experiment here and returns its tables; ``memspan.study(kind)`` runs a whole study and
judges its claims; ``memspan.history(frame, target)`` tells how much history a series needs, and
``memspan.probe(model, X, y, kind)`` how far back a model of your own looks. The service stores and serves the same
numbers; ``memspan.connect(url, key)`` asks one elsewhere.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memspan.exchange.own_probe import probe
    from memspan.experiment.run import run
    from memspan.experiment.spec import ExperimentSpec
    from memspan.needed_history.history import history
    from memspan.run_study import study

__all__ = ["ExperimentSpec", "connect", "history", "probe", "run", "study"]

HOMES = {
    "ExperimentSpec": "memspan.experiment.spec",
    "connect": "service.client.remote",
    "history": "memspan.needed_history.history",
    "probe": "memspan.exchange.own_probe",
    "run": "memspan.experiment.run",
    "study": "memspan.run_study",
}
"""where each public name is defined: torch, which takes a second to import, comes with the first that is asked for"""

if not TYPE_CHECKING:  # else a type checker would believe in every name

    def __getattr__(name: str) -> object:
        """A public name, imported when somebody asks for it (PEP 562)."""
        if name not in HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found: object = getattr(import_module(HOMES[name]), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
