"""What all models made of residual blocks let a user choose about them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from memspan.interfaces.match import Width
from memspan.interfaces.mixer import Mixer
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.signature import Signature
from memspan.interfaces.spec import Real, Units, Whole
from memspan.layers.embedding import Embedding
from memspan.layers.residual_stack import ResidualStack

Heads = Annotated[Whole, Field(ge=1, le=256, description="heads; they share the width equally")]
ConvolutionSize = Annotated[
    Annotated[Whole, Field(ge=2, le=64)] | None,
    Field(description="steps of a causal convolution of each channel ahead of the mixer; null: none"),
]


KeySize = Annotated[
    Annotated[Whole, Field(ge=1, le=1_024)] | None,
    Field(description="numbers of each head's keys, and so rows of its matrix; null: hidden_size / heads"),
]


class BlockModel(ModelSpec):
    """A stack of residual blocks of one mixer."""

    width: ClassVar[Width | None] = Width()
    embeds_tokens: ClassVar[bool] = True

    hidden_size: Annotated[Units, Field(description="width: numbers of each step between the blocks")] = 32
    layers: Annotated[Whole, Field(ge=1, le=64, description="blocks, one above the other")] = 2
    mlp: Annotated[Real, Field(ge=0, le=16, description="hidden units of each block's MLP, in widths; 0: no MLP")] = 0.0
    embedding_std: Annotated[
        Real, Field(gt=0, le=10, description="standard deviation that the embedding of the inputs starts with")
    ] = 0.1

    @property
    def mlp_size(self) -> int:
        """Hidden units of each block's MLP; 0 where there is none."""
        return max(1, round(self.mlp * self.hidden_size)) if self.mlp else 0


def blocks(spec: BlockModel, signature: Signature, mixer: Mixer, positions: int = 0) -> Network:
    """The network of a spec: as many blocks of one mixer as it has layers; ``positions``: steps of a learnt table."""
    tokens = signature.vocabulary
    embedding = Embedding(tokens or signature.channels, spec.hidden_size, spec.embedding_std, classes=tokens > 0)
    return ResidualStack(embedding, (mixer,) * spec.layers, spec.mlp_size, positions, signature).network()


class Headed(BlockModel):
    """Blocks whose heads share the width equally."""

    heads: Heads

    @property
    def width_step(self) -> int:
        return self.heads

    def misfits(self) -> dict[str, str]:
        if self.hidden_size % self.heads:
            return {"heads": f"Must divide hidden_size, {self.hidden_size}, without a rest, given {self.heads}."}
        return {}
