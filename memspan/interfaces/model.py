"""The base of all model specs."""

from __future__ import annotations

from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import PartSpec


class ModelSpec(PartSpec):
    """A family of networks; bound to ``build(spec, signature) -> Network``."""

    def objection(self, signature: Signature) -> str | None:
        """Why the model can't answer tasks of a shape, as a sentence; None when it can."""
        return None
