"""Residual blocks: norm and mixer, perhaps norm and MLP, each added to what it was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor
from torch.nn.functional import gelu

from memspan.interfaces.blocks import BlockStates
from memspan.interfaces.mixer import Mixer
from memspan.interfaces.network import Network, Weight, Weights, chosen_steps
from memspan.interfaces.noise import Noise
from memspan.interfaces.signature import Signature
from memspan.layers import initializers
from memspan.layers.dense import affine, dense
from memspan.layers.embedding import Embedding
from memspan.layers.rms_norm import rms_norm


@dataclass(frozen=True)
class ResidualStack:
    """Embedding -> blocks -> norm -> dense read-out, at the last step or at every step.

    x <- x + mixer(norm(x)), and with an MLP x <- x + MLP(norm(x)), MLP(x) = W2 GELU(W1 x + b1) + b2. Its weights are
    ``embedding``, perhaps ``positions``, for each block ``block0.norm``, ``block0.mixer.*`` and ``block0.mlp.*``, then
    ``norm`` and ``readout``.

    Attributes:
        mixers: one for each block, from the input upwards.
        hidden: units of each block's MLP; 0 = there is none.
        positions: steps of a table of learnt vectors that are added to the embedding; 0 = there is none.

    Source:
        Xiong et al. (2020), arXiv 2002.04745: the norm stands before what it feeds, so that depth needs no warm-up.
    """

    embedding: Embedding
    mixers: Sequence[Mixer]
    hidden: int
    positions: int
    signature: Signature

    def network(self) -> Network:
        """The stack as a network."""
        length = self.signature.length
        sizes = [size for mixer in self.mixers for size in mixer.state_sizes(length).values()]
        return Network(
            self.weights(),
            self.forward,
            state_size=sum(sizes),
            receptive_field=self._receptive_field(),
            any_length=not self.positions,
            kept=self._kept(),
            multiplications=self._multiplications(),
            blocks=self,
            operations=self._operations(),
            pace=min(mixer.pace for mixer in self.mixers),
            at=self.at if self.signature.every_step else None,
            spared=self._spared(),
        )

    def weights(self) -> dict[str, Weight]:
        """By name, in the order in which they are drawn."""
        made, size = self.embedding.weights(), self.embedding.size
        if self.positions:
            start = initializers.normal(self.embedding.deviation)
            made["positions"] = Weight((self.positions, size), start)
        gain = Weight((size,), initializers.constant(1.0))
        for block, mixer in enumerate(self.mixers):
            made[f"block{block}.norm"] = gain
            made |= {f"block{block}.mixer.{name}": weight for name, weight in mixer.weights().items()}
            if self.hidden:
                made[f"block{block}.mlp.norm"] = gain
                made |= dense(f"block{block}.mlp.up", size, self.hidden, "torch")
                made |= dense(f"block{block}.mlp.down", self.hidden, size, "torch")
        return made | {"norm": gain} | dense("readout", size, self.signature.outputs)

    def forward(self, weights: Weights, inputs: Tensor, noise: Noise | None = None) -> Tensor:
        """(M, B, T, C) -> (M, B, K), or (M, B, T, K) at every step."""
        x = self._through_blocks(weights, inputs)
        if not self.signature.every_step:
            return self._answer(weights, x[:, :, -1])
        return self._answer(weights, x.flatten(1, 2)).view(*x.shape[:3], -1)

    def at(self, weights: Weights, inputs: Tensor, steps: Tensor) -> Tensor:
        """(M, B, T, C) and steps (M, B, Q) -> (M, B, Q, K): nothing is read out at any other step."""
        x = chosen_steps(self._through_blocks(weights, inputs), steps)
        return self._answer(weights, x.flatten(1, 2)).view(*x.shape[:3], -1)

    def _through_blocks(self, weights: Weights, inputs: Tensor) -> Tensor:
        """(M, B, T, C) -> (M, B, T, d)."""
        x = self._embedded(weights, inputs)
        for block, mixer in enumerate(self.mixers):
            x = x + mixer.mix(self.own(weights, block), rms_norm(x, weights[f"block{block}.norm"]))
            x = self._through_mlp(weights, block, x)
        return x

    def seen(self, weights: Weights, inputs: Tensor) -> list[Tensor]:
        """What the mixer of each block is shown of sequences (M, B, T, C), each (M, B, T, d)."""
        x, found = self._embedded(weights, inputs), []
        for block, mixer in enumerate(self.mixers):
            found.append(rms_norm(x, weights[f"block{block}.norm"]))
            x = self._through_mlp(weights, block, x + mixer.mix(self.own(weights, block), found[-1]))
        return found

    def first(self, weights: Weights, batch: int) -> BlockStates:
        """What is carried before the first step."""
        return tuple(mixer.first(self.own(weights, block), batch) for block, mixer in enumerate(self.mixers))

    def advance(
        self, weights: Weights, inputs: Tensor, states: BlockStates, step: int
    ) -> tuple[Tensor, list[Tensor], BlockStates]:
        """One step: the answer (M, B, K), the blocks' outputs, each (M, B, d), and what is carried on."""
        x = self.embedding(weights, inputs.unsqueeze(2)).squeeze(2)
        if self.positions:
            x = x + weights["positions"][:, step].unsqueeze(1)
        outputs, carried = [], []
        for block, (mixer, state) in enumerate(zip(self.mixers, states, strict=True)):
            mixed, state = mixer.step(self.own(weights, block), rms_norm(x, weights[f"block{block}.norm"]), state)
            x = self._through_mlp(weights, block, (x + mixed).unsqueeze(2)).squeeze(2)
            outputs.append(x)
            carried.append(state)
        return self._answer(weights, x), outputs, tuple(carried)

    @cached_property
    def _names(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(mixer.weights()) for mixer in self.mixers)

    def own(self, weights: Weights, block: int) -> Mapping[str, Tensor]:
        """The weights of a block's mixer, by its own names."""
        return {name: weights[f"block{block}.mixer.{name}"] for name in self._names[block]}

    def _embedded(self, weights: Weights, inputs: Tensor) -> Tensor:
        x = self.embedding(weights, inputs)
        return x + weights["positions"].unsqueeze(1) if self.positions else x

    def _through_mlp(self, weights: Weights, block: int, x: Tensor) -> Tensor:
        """(M, B, T, d) -> (M, B, T, d)."""
        if not self.hidden:
            return x
        seen = rms_norm(x, weights[f"block{block}.mlp.norm"]).flatten(1, 2)
        made = affine(weights, f"block{block}.mlp.down", gelu(affine(weights, f"block{block}.mlp.up", seen)))
        return x + made.view(x.shape)

    def _answer(self, weights: Weights, x: Tensor) -> Tensor:
        """(M, B, d) -> (M, B, K)."""
        return affine(weights, "readout", rms_norm(x, weights["norm"]))

    def _receptive_field(self) -> int | None:
        reaches = [mixer.reach() for mixer in self.mixers]
        return None if None in reaches else 1 + sum(reach for reach in reaches if reach is not None)

    def _spared(self) -> frozenset[str]:
        """What published code keeps weight decay from: all vectors, which are biases, gains, D and steps of time, and
        what each mixer names."""
        vectors = (name for name, weight in self.weights().items() if len(weight.shape) == 1)
        own = (f"block{block}.mixer.{name}" for block, mixer in enumerate(self.mixers) for name in mixer.spared)
        return frozenset((*vectors, *own)) & self.weights().keys()

    def _kept(self) -> int:
        """Numbers of a sequence: each norm keeps its input and its output, an MLP what is between its layers too."""
        length, size = self.signature.length, self.embedding.size
        mlp = length * (3 * size + 2 * self.hidden) if self.hidden else 0
        return 3 * length * size + sum(mixer.kept(length) + 2 * length * size + mlp for mixer in self.mixers)

    def _multiplications(self) -> int:
        length, size, outputs = self.signature.length, self.embedding.size, self.signature.outputs
        answers = size * outputs * self.signature.answers
        blocks = sum(mixer.multiplications(length) + length * 2 * size * self.hidden for mixer in self.mixers)
        return length * self.embedding.multiplications + blocks + answers

    def _operations(self) -> int:
        length = self.signature.length
        mlp = 8 if self.hidden else 0
        return 12 + sum(mixer.operations(length) + 4 + mlp for mixer in self.mixers)
