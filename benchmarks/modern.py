"""Today's sequence models: an optimiser step as the engine takes it, beside eager torch as its users would write it.

``python -m benchmarks modern`` prints it; peers that have no such model stand beside none.
"""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.report import Figure, table
from memspan.engine.condition import Condition
from memspan.engine.cost import torch_stack_seconds
from memspan.engine.denormals import denormals_flushed
from memspan.engine.placement import Placement
from memspan.engine.trainer import Trainer
from memspan.layers.block_model import BlockModel
from memspan.models.attention import Attention
from memspan.models.delta_net import DeltaNet
from memspan.models.gated_linear_attention import GatedLinearAttention
from memspan.models.hyena import Hyena
from memspan.models.mamba import Mamba
from memspan.models.mlstm import MLSTM
from memspan.models.s4d import S4D
from memspan.models.slstm import SLSTM
from memspan.tasks.latch import Latch
from memspan.training import Training

SIZE, BATCH, LENGTHS, STEPS = 32, 32, (32, 128), 24
SPECS: tuple[BlockModel, ...] = (
    Attention(), S4D(), Mamba(), GatedLinearAttention(), GatedLinearAttention(decay="head"), DeltaNet(), MLSTM(),
    SLSTM(), Hyena(),
)  # fmt: skip


def main() -> str:
    """Milliseconds of a step of one model and of four side by side, estimated too, one core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with denormals_flushed():
            figures = [figure for length in LENGTHS for spec in SPECS for figure in rows(spec, length)]
    finally:
        torch.set_num_threads(before)
    title = f"A step of today's models (width {SIZE}, 2 blocks, batch {BATCH}), one core"
    return table(title, figures)


def rows(spec: BlockModel, length: int) -> list[Figure]:
    """Ours, then eager torch where somebody would write it so."""
    one, four = (step_ms(spec, length, members) for members in (1, 4))
    estimated = 1000 * estimate(spec, length)
    name = ", ".join(str(value) for value in spec.content().values())
    found = [
        Figure(f"{name}, T = {length}", f"{one:.1f} ms (estimated {estimated:.1f}); of four {four / 4:.1f} ms each")
    ]
    if (peer := PEERS.get(spec.kind)) and set(spec.content()) == {"kind"}:
        theirs = eager_ms(peer(), length)
        found.append(Figure("the same by eager torch", f"{theirs:.1f} ms: {theirs / one:.1f}x", ">= 1x"))
    return found


def condition(spec: BlockModel, length: int) -> Condition:
    training = Training(batch_size=BATCH, train_size=BATCH * (STEPS + 2), validation_size=8, test_size=8, epochs=1)
    return Condition(Latch(), spec, length, training, seed=0)


def step_ms(spec: BlockModel, length: int, members: int) -> float:
    """Processor milliseconds of one step of a whole stack, the fastest third on average."""
    asked = condition(spec, length)
    events = Trainer(Placement(asked, asked.network(), "cpu", "torch", members), tuple(range(members))).events()
    next(events)
    return fastest(lambda: next(events))


def estimate(spec: BlockModel, length: int) -> float:
    """Seconds of a step, as plans reckon it."""
    asked = condition(spec, length)
    sequences = 1 + asked.training.validation_size / (3 * asked.training.train_size)
    return torch_stack_seconds(asked, asked.network(), 1) / asked.training.steps_per_epoch / sequences


def eager_ms(model: nn.Module, length: int) -> float:
    """The same of a torch module."""
    optimizer = torch.optim.Adam(model.parameters())
    inputs, targets = torch.randn(BATCH, length, 1), torch.randint(0, 2, (BATCH,))

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()

    step()
    return fastest(step)


def fastest(step: Callable[[], object]) -> float:
    found = []
    for _ in range(STEPS):
        begun = time.process_time()
        step()
        found.append(1000 * (time.process_time() - begun))
    best = sorted(found)[: STEPS // 3]
    return sum(best) / len(best)


class Transformer(nn.Module):
    """torch's own attention, two blocks without an MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.out = nn.Linear(1, SIZE), nn.Linear(SIZE, 2)
        self.norms = nn.ModuleList(nn.RMSNorm(SIZE) for _ in range(3))
        self.blocks = nn.ModuleList(nn.MultiheadAttention(SIZE, 1, bias=False, batch_first=True) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.embedding(x)
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        for norm, block in zip(self.norms, self.blocks, strict=False):
            seen = norm(x)
            x = x + block(seen, seen, seen, attn_mask=mask, is_causal=True, need_weights=False)[0]
        answer: Tensor = self.out(self.norms[2](x[:, -1]))
        return answer


class S6(nn.Module):
    """Two blocks of Mamba with the reference's selective scan: a loop over time."""

    def __init__(self, states: int = 16) -> None:
        super().__init__()
        self.embedding, self.out, self.states = nn.Linear(1, SIZE), nn.Linear(SIZE, 2), states
        self.norms = nn.ModuleList(nn.RMSNorm(SIZE) for _ in range(3))
        self.blocks = nn.ModuleList(self._block() for _ in range(2))

    def _block(self) -> nn.ModuleDict:
        wide, rank = 2 * SIZE, math.ceil(SIZE / 16)
        return nn.ModuleDict(
            {
                "in": nn.Linear(SIZE, 2 * wide, bias=False),
                "convolution": nn.Conv1d(wide, wide, 4, padding=3, groups=wide),
                "x": nn.Linear(wide, rank + 2 * self.states, bias=False),
                "step": nn.Linear(rank, wide),
                "A": nn.Linear(self.states, wide, bias=False),
                "out": nn.Linear(wide, SIZE, bias=False),
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.embedding(x)
        for norm, block in zip(self.norms, self.blocks, strict=False):
            x = x + self._mixed(block, norm(x))
        answer: Tensor = self.out(self.norms[2](x[:, -1]))
        return answer

    def _mixed(self, block: nn.Module, x: Tensor) -> Tensor:
        part = dict(block.named_children())
        u, z = part["in"](x).chunk(2, dim=-1)
        u = functional.silu(part["convolution"](u.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))
        low, into, out = part["x"](u).split([u.shape[-1] // 32, self.states, self.states], dim=-1)
        time_steps, rates = functional.softplus(part["step"](low)), -torch.exp(next(part["A"].parameters()))
        h, read = u.new_zeros(len(u), u.shape[-1], self.states), []
        for t in range(u.shape[1]):
            share = torch.exp(time_steps[:, t, :, None] * rates)
            h = share * h + (time_steps[:, t] * u[:, t])[..., None] * into[:, t, None]
            read.append((h * out[:, t, None]).sum(-1))
        answer: Tensor = part["out"]((torch.stack(read, 1) + u) * functional.silu(z))
        return answer


PEERS: dict[str, Callable[[], nn.Module]] = {"attention": Transformer, "mamba": S6}


if __name__ == "__main__":
    print(main())
