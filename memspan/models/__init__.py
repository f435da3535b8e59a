"""Models: each file makes one family of networks. ``build(spec, signature) -> Network``."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from memspan.interfaces.foreign_model import ForeignModel
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.layers.decoded import decoded
from memspan.layers.embedded import embedded
from memspan.registry import Family

model: Family[ModelSpec] = Family("model", __name__)
model.discover(__path__)

if TYPE_CHECKING:
    AnyModel = ModelSpec
else:
    AnyModel: Any = model.union()


@lru_cache(maxsize=4096)
def build(spec: ModelSpec, signature: Signature) -> Network:
    """The network of a spec for the shape of a task: pure, holds no weights, and grids ask for it again and again."""
    if isinstance(spec, ForeignModel):
        return spec.network(signature)
    if signature.at_end:
        size = spec.embedding_size
        return decoded(build(spec, replace(signature, at_end=0, outputs=size)), signature, size)
    if signature.vocabulary and not spec.embeds_tokens:
        size = spec.embedding_size
        inner: Network = model.verb(spec)(spec, replace(signature, vocabulary=0, channels=size))
        return embedded(inner, signature, size)
    network: Network = model.verb(spec)(spec, signature)
    return network
