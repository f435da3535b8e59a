"""What probes of weights need from a model."""

from __future__ import annotations

from memspan.parts.predictor import Inside, Predictor


class NoWeights(ValueError):
    """A probe of weights was asked about something that has none."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"The probe {kind} looks at weights, and this model has none.")


def opened(model: Predictor, kind: str) -> Inside:
    """The network and weights of a model, or NoWeights."""
    if model.inside is None:
        raise NoWeights(kind)
    return model.inside
