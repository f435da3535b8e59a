"""Mixers of residual blocks by compiled loops against the same by torch."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from memspan.engine.hybrid.blocks import blocks_answer
from memspan.engine.hybrid.selective_kernels import FORWARD
from memspan.engine.hybrid.selective_scan import CompiledScan, _Arguments
from memspan.engine.seeds import stream
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network, stack
from memspan.interfaces.signature import Problem, Signature
from memspan.layers.selective_state_space import selective_scan
from memspan.models import build
from memspan.models.attention import Attention
from memspan.models.lstm import LSTM
from memspan.models.mamba import Mamba
from memspan.models.slstm import SLSTM
from tests.compiled import compiling
from tests.unit.engine.populations import condition, stories

CPU = torch.device("cpu")
COMPILED = [
    Mamba(hidden_size=16, state_size=5), Mamba(hidden_size=5, state_size=3, layers=1, mlp=2.0),
    SLSTM(hidden_size=24, layers=1), SLSTM(hidden_size=48, heads=2, short_convolution=3, layers=1),
]  # fmt: skip
each_model = pytest.mark.parametrize("spec", COMPILED, ids=str)
Shown = tuple[Tensor, ...]


@pytest.fixture(autouse=True, scope="module")
def compiled() -> Iterator[None]:
    with compiling():
        yield


def shown(members: int, rows: int, steps: int, channels: int, states: int) -> Shown:
    """u, Δ, A, B, C."""

    def drawn(*shape: int, name: str) -> Tensor:
        return torch.randn(shape, generator=stream(name, *shape))

    steps_of = (members, rows, steps)
    return (
        drawn(*steps_of, channels, name="u"), softplus(drawn(*steps_of, channels, name="time")),
        -3 * drawn(members, channels, states, name="rates").sigmoid(),
        drawn(*steps_of, states, name="into"), drawn(*steps_of, states, name="out"),
    )  # fmt: skip


def error(found: Tensor, wanted: Tensor) -> float:
    """Largest difference, relative to the root mean square of what is wanted."""
    scale = float(wanted.double().norm()) / math.sqrt(wanted.numel())
    return float((found.double() - wanted.double()).abs().max()) / max(scale, 1e-30)


@pytest.mark.parametrize(
    ("members", "rows", "steps", "channels", "states"),
    [(1, 1, 1, 16, 1), (2, 3, 2, 12, 5), (1, 4, 60, 64, 16), (3, 2, 9, 33, 4), (1, 2, 400, 16, 3)],
)
def test_a_compiled_scan_and_its_slopes_equal_those_of_float64(
    members: int, rows: int, steps: int, channels: int, states: int
) -> None:
    """To 1e-5 of their root mean squares; channels that fill no lanes among them."""
    given = shown(members, rows, steps, channels, states)
    sides = torch.randn(members, rows, steps, channels, generator=stream("sides"))
    found, wanted = [], []
    for scan, kind, into in ((CompiledScan(), torch.float32, found), (selective_scan, torch.float64, wanted)):
        leaves = [each.to(kind).requires_grad_() for each in given]
        made = scan(*leaves)
        into.extend([made.detach(), *torch.autograd.grad((made * sides.to(kind)).sum(), leaves)])
    for mine, its in zip(found, wanted, strict=True):
        assert mine.shape == its.shape
        assert error(mine, its) < 1e-5 or float(its.abs().max()) == 0


def test_what_is_only_asked_gives_the_bits_of_what_is_trained() -> None:
    given, scan = shown(2, 3, 20, 20, 4), CompiledScan()
    with torch.no_grad():
        asked = scan(*given)
    leaves = [each.clone().requires_grad_() for each in given]
    assert torch.equal(asked, scan(*leaves).detach())


def test_states_that_others_left_behind_leave_no_trace() -> None:
    given, scan = shown(1, 3, 20, 16, 4), CompiledScan()
    with torch.no_grad():
        first = scan(*given)
        scan(*(each * math.nan for each in shown(2, 4, 30, 32, 5)))
        assert torch.equal(scan(*given), first)


def test_a_member_s_scan_does_not_depend_on_its_mates() -> None:
    given, scan = shown(3, 2, 9, 16, 4), CompiledScan()
    spoilt = [each.clone() for each in given]
    for each in spoilt:
        each[::2] = math.nan
    slopes = []
    for one in (given, spoilt):
        leaves = [each.clone().requires_grad_() for each in one]
        slopes.append([each[1] for each in torch.autograd.grad(scan(*leaves)[1].sum(), leaves)])
    assert all(torch.equal(*pair) for pair in zip(*slopes, strict=True))


def test_the_backward_pass_of_a_scan_can_run_once() -> None:
    leaves = [each.requires_grad_() for each in shown(1, 2, 3, 16, 2)]
    made = CompiledScan()(*leaves).sum()
    torch.autograd.grad(made, leaves, retain_graph=True)
    with pytest.raises(RuntimeError, match="can run once"):
        torch.autograd.grad(made, leaves)


def test_a_loop_is_not_called_with_too_few_places() -> None:
    given = shown(1, 2, 3, 16, 2)
    with pytest.raises(ValueError, match="is told rows, steps"):
        _Arguments(FORWARD, False, tuple(each[0] for each in given), ())


def population(network: Network, members: int = 2) -> dict[str, Tensor]:
    drawn = [network.initialize(stream("weights", member)) for member in range(members)]
    noisy = [
        {n: w + 0.1 * torch.randn(w.shape, generator=stream(n, m)) for n, w in d.items()} for m, d in enumerate(drawn)
    ]
    return {name: weight.requires_grad_() for name, weight in stack(noisy).items()}


@each_model
@pytest.mark.parametrize("length", [1, 30])
def test_answers_and_gradients_equal_those_of_the_network(spec: ModelSpec, length: int) -> None:
    """Against float64: relative error of each weight's gradient <= 1e-4."""
    network = build(spec, Signature(length, 2, 3, Problem.REGRESSION, every_step=True))
    answer = blocks_answer(network, CPU)
    assert answer is not None
    weights, x = population(network), torch.randn(2, 5, length, 2, generator=stream("x"))
    exact = {name: weight.detach().double().requires_grad_() for name, weight in weights.items()}
    both = (answer(weights, x, None), network.forward(exact, x.double()))
    assert error(*(each.detach() for each in both)) < 1e-4
    found, wanted = (
        torch.autograd.grad(made.square().sum(), list(leaves.values()), materialize_grads=True)
        for made, leaves in zip(both, (weights, exact), strict=True)
    )
    for name, mine, its in zip(weights, found, wanted, strict=True):
        assert float((mine.double() - its).norm()) <= 1e-4 * float(its.norm()) + 1e-7, name


@each_model
def test_runs_are_the_same_to_the_bit_alone_and_in_company(spec: ModelSpec) -> None:
    asked = condition(spec, length=6, batch_size=8, train_size=20)
    repeats = (0, 1, 3) if spec.content().get("hidden_size", 32) < 32 else (0,)
    together, alone = stories(asked, repeats), stories(asked, repeats[-1:])
    assert alone[repeats[-1]] == together[repeats[-1]]


@pytest.mark.parametrize("spec", [Attention(), SLSTM(hidden_size=16), LSTM(hidden_size=64)], ids=str)
def test_what_has_no_loops_is_left_to_torch(spec: ModelSpec) -> None:
    assert blocks_answer(build(spec, Signature(4, 1, 1, Problem.REGRESSION)), CPU) is None


def test_another_device_is_left_to_torch() -> None:
    assert blocks_answer(build(Mamba(), Signature(4, 1, 1, Problem.REGRESSION)), torch.device("meta")) is None
