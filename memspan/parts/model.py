"""The base of all model specs."""

from __future__ import annotations

from memspan.parts.spec import PartSpec


class ModelSpec(PartSpec):
    """A family of networks; bound to ``build(spec, signature) -> Network``."""
