"""What models that lay all steps side by side have in common."""

from __future__ import annotations

from memspan.interfaces.model import ModelSpec
from memspan.interfaces.signature import Signature


class Flattened(ModelSpec):
    """A model that reads the whole sequence at once, as one long vector of T C numbers."""

    def objection(self, signature: Signature) -> str | None:
        """It has one answer for a sequence, made of all of it, so none for a step that knows no later ones."""
        if not signature.every_step:
            return None
        return (
            f"The model {self.kind} reads the whole sequence at once and answers it once; the task wants an answer at "
            "every step."
        )
