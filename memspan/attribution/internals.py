"""What probes of weights need from a model."""

from __future__ import annotations

from memspan.interfaces.predictor import Internals, Predictor


class NoWeights(ValueError):
    """A probe of weights was asked about something that has none."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"The probe {kind} looks at weights, and this model has none.")


def internals_of(model: Predictor, kind: str) -> Internals:
    """The network and weights of a model, or NoWeights."""
    if model.internals is None:
        raise NoWeights(kind)
    return model.internals
