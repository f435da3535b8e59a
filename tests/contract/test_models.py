"""What every model owes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from memspan.engine.scores import losses
from memspan.engine.seeds import stream
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network, Weights, stack
from memspan.interfaces.signature import Problem, Signature
from memspan.models import build, model
from tests.contract.variants import named, variants

MODELS = [variant for spec in model.specs() for variant in variants(spec)]
each_model = pytest.mark.parametrize("spec", MODELS, ids=named)
CLASSES = Signature(6, channels=2, outputs=3, problem=Problem.CLASSIFICATION)
NUMBER = Signature(5, channels=1, outputs=1, problem=Problem.REGRESSION)
NUMBERS = replace(NUMBER, outputs=2, every_step=True)
SUM_AND_CARRY = replace(CLASSES, outputs=4, every_step=True, own_states=2)
TOKENS = Signature(6, channels=1, outputs=5, problem=Problem.CLASSIFICATION, vocabulary=5)
RECALL = replace(TOKENS, every_step=True, places=2)
SIGNATURES = (CLASSES, NUMBER, NUMBERS, SUM_AND_CARRY)
MEMBERS, BATCH = 3, 4


def fitting(spec: ModelSpec) -> list[Signature]:
    """The shapes of tasks that a model takes; every model takes some."""
    found = [signature for signature in SIGNATURES if spec.objection(signature) is None]
    assert found, f"{spec.kind} answers nothing"
    return found


def tokens(spec: ModelSpec) -> list[Signature]:
    """The shapes of tasks of tokens that a model takes; each kind is held to them once, as it comes."""
    return [s for s in (TOKENS, RECALL) if spec == type(spec)() and spec.objection(s) is None]


def shape(signature: Signature) -> str:
    tokens = "-tokens" if signature.vocabulary else ""
    return f"{signature.problem}{'-every-step' * signature.every_step}{tokens}"


CASES = [(spec, signature) for spec in MODELS for signature in fitting(spec) + tokens(spec)]
each_case = pytest.mark.parametrize(
    ("spec", "signature"), CASES, ids=[f"{named(spec)}-{shape(signature)}" for spec, signature in CASES]
)


def one_number(spec: ModelSpec, length: int) -> Signature:
    """A task with one number in, and one number out at the end where the model takes such a task."""
    return replace(NUMBER if NUMBER in fitting(spec) else replace(SUM_AND_CARRY, channels=1), length=length)


def at_the_end(signature: Signature, outputs: Tensor) -> Tensor:
    """What is answered at the last step, (M, B, K)."""
    return outputs[:, :, -1] if signature.every_step else outputs


def population(network: Network, members: int = MEMBERS) -> dict[str, Tensor]:
    """Members with weights that no initialisation leaves at zero, so that every path carries something."""
    drawn = [network.initialize(stream("weights", member)) for member in range(members)]
    noisy = [
        {n: w + 0.3 * torch.randn(w.shape, generator=stream(n, m)) for n, w in d.items()} for m, d in enumerate(drawn)
    ]
    return stack(noisy)


def inputs(signature: Signature, members: int = MEMBERS, length: int | None = None) -> Tensor:
    steps = (members, BATCH, length or signature.length, signature.channels)
    if signature.vocabulary:
        return torch.randint(0, signature.vocabulary, steps, generator=stream("inputs")).float()
    return torch.randn(steps, generator=stream("inputs"))


def targets(signature: Signature) -> Tensor:
    due = (MEMBERS, BATCH, *answers(signature))
    if signature.problem is Problem.REGRESSION:
        return torch.randn(*due, signature.outputs, generator=stream("targets"))
    return torch.randint(0, signature.outputs, due, generator=stream("targets"))


def answers(signature: Signature, length: int | None = None) -> tuple[int, ...]:
    """The axis of steps, where there is one."""
    return (length or signature.length,) if signature.every_step else ()


def double(weights: Weights) -> dict[str, Tensor]:
    return {name: weight.double() for name, weight in weights.items()}


@each_case
def test_answers_have_a_member_a_batch_and_an_output_axis(spec: ModelSpec, signature: Signature) -> None:
    network = build(spec, signature)
    outputs = network.forward(population(network), inputs(signature))
    assert outputs.shape == (MEMBERS, BATCH, *answers(signature), signature.outputs)
    assert outputs.dtype == torch.float32
    assert outputs.isfinite().all()


@each_case
def test_the_parameter_count_is_that_of_the_numbers_drawn(spec: ModelSpec, signature: Signature) -> None:
    network = build(spec, signature)
    drawn = network.initialize(stream(1))
    assert sum(weight.numel() for weight in drawn.values()) == network.parameters
    for name, weight in drawn.items():
        assert weight.shape == network.weights[name].shape
        assert weight.dtype == torch.float32
        assert weight.isfinite().all()


@each_model
def test_equal_streams_start_equal_weights_and_others_do_not(spec: ModelSpec) -> None:
    network = build(spec, fitting(spec)[0])
    first, again, other = (network.initialize(stream(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@each_model
@pytest.mark.parametrize("value", [5.0, math.nan, math.inf])
def test_a_member_s_weights_and_inputs_leave_the_others_bit_equal(spec: ModelSpec, value: float) -> None:
    signature = fitting(spec)[0]
    network = build(spec, signature)
    weights, sequences = population(network), inputs(signature)
    before = network.forward(weights, sequences)
    for weight in weights.values():
        weight[1] = value
    sequences[1] = value
    after = network.forward(weights, sequences)
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[2], after[2])
    assert not torch.equal(before[1], after[1])


@each_model
def test_a_member_s_gradient_leaves_the_others_bit_equal(spec: ModelSpec) -> None:
    signature = fitting(spec)[0]
    network = build(spec, signature)

    def gradients(spoilt: bool) -> list[Tensor]:
        leaves = population(network)
        if spoilt:
            for weight in leaves.values():
                weight[1] = math.nan
        leaves = {name: leaf.requires_grad_() for name, leaf in leaves.items()}
        loss = losses(signature.problem, network.forward(leaves, inputs(signature)), targets(signature))
        return list(torch.autograd.grad(loss.sum(), list(leaves.values())))

    for sound, beside in zip(gradients(False), gradients(True), strict=True):
        assert torch.equal(sound[0], beside[0])
        assert torch.equal(sound[2], beside[2])


@each_case
def test_gradients_equal_finite_differences(spec: ModelSpec, signature: Signature) -> None:
    """Central differences of fourth order in float64 along a random direction in each weight, step 1e-6; relative error
    <= 1e-5. A norm of what is nearly zero bends too sharply for those of second order."""
    network = build(spec, signature)
    sequences, wanted = inputs(signature).double(), targets(signature)
    wanted = wanted.double() if wanted.is_floating_point() else wanted
    leaves = {name: weight.requires_grad_() for name, weight in double(population(network)).items()}

    def loss(weights: Weights) -> Tensor:
        return losses(signature.problem, network.forward(weights, sequences), wanted)  # (M,)

    gradients = torch.autograd.grad(loss(leaves).sum(), list(leaves.values()))
    for (name, weight), gradient in zip(leaves.items(), gradients, strict=True):
        along = torch.randn(weight.shape, generator=stream("direction", name), dtype=torch.float64)
        with torch.no_grad():
            far_up, up, down, far_down = (
                loss(leaves | {name: weight + side * 1e-6 * along}) for side in (2, 1, -1, -2)
            )
        slope, expected = (gradient * along).flatten(1).sum(1), (8 * (up - down) - (far_up - far_down)) / 12e-6
        assert torch.allclose(slope, expected, rtol=1e-5, atol=1e-8), name


@each_model
def test_gradients_in_single_precision_equal_those_in_double(spec: ModelSpec) -> None:
    """Relative error of each member's whole gradient <= 1e-5."""
    signature = fitting(spec)[min(1, len(fitting(spec)) - 1)]
    network = build(spec, signature)

    def gradient(kind: torch.dtype) -> Tensor:
        leaves = {name: weight.to(kind).requires_grad_() for name, weight in population(network).items()}
        wanted = targets(signature)
        wanted = wanted.to(kind) if wanted.is_floating_point() else wanted
        loss = losses(signature.problem, network.forward(leaves, inputs(signature).to(kind)), wanted)
        return torch.cat([g.flatten(1) for g in torch.autograd.grad(loss.sum(), list(leaves.values()))], 1).double()

    single, exact = gradient(torch.float32), gradient(torch.float64)
    assert float(((single - exact).norm(dim=1) / exact.norm(dim=1)).max()) <= 1e-5


@each_model
def test_the_receptive_field_is_what_the_answer_depends_on(spec: ModelSpec) -> None:
    """Steps further back than the field can't matter; every step inside it does, the very first of it too."""
    signature = one_number(spec, 9)
    network = build(spec, signature)
    sequences = inputs(signature).double().requires_grad_()
    outputs = at_the_end(signature, network.forward(double(population(network)), sequences))
    connected = outputs[..., 0].sum() + 0 * sequences.sum()  # a network may see nothing at all
    (slopes,) = torch.autograd.grad(connected, sequences)
    moved = slopes.abs().amax((1, 3))  # (M, T)
    field = signature.length if network.receptive_field is None else min(network.receptive_field, signature.length)
    assert (moved[:, : signature.length - field] == 0).all()
    assert (moved[:, signature.length - field :].max(0).values > 0).all()


@each_case
def test_an_answer_at_a_step_knows_no_later_step(spec: ModelSpec, signature: Signature) -> None:
    network = build(spec, signature)
    if not signature.every_step or getattr(spec, "bidirectional", False):
        return
    weights, sequences = double(population(network)), inputs(signature).double()
    before = network.forward(weights, sequences)
    sequences[:, :, 4:] += 1
    if signature.vocabulary:
        sequences %= signature.vocabulary
    after = network.forward(weights, sequences)
    assert torch.equal(before[:, :, :4], after[:, :, :4])
    assert not torch.equal(before[:, :, 4:], after[:, :, 4:])


@each_case
def test_a_model_takes_other_lengths_exactly_when_it_says_so(spec: ModelSpec, signature: Signature) -> None:
    network = build(spec, signature)
    weights = population(network)
    for length in (signature.length - 2, signature.length + 3):
        if network.any_length:
            outputs = network.forward(weights, inputs(signature, length=length))
            assert outputs.shape == (MEMBERS, BATCH, *answers(signature, length), signature.outputs)
            assert outputs.isfinite().all()
        else:
            with pytest.raises(RuntimeError):
                network.forward(weights, inputs(signature, length=length))


@each_model
def test_all_that_passes_from_past_to_future_fits_into_the_state(spec: ModelSpec) -> None:
    """The Jacobian of the answers to many futures over the past has at most ``state_size`` dimensions, and all of them.

    Sizes at which every dimension shows are far above rounding: singular values below 1e-11 of the first are none.
    """
    past, future, futures = 14, 3, 40
    signature = one_number(spec, past + future)
    network = build(spec, signature)
    if not network.state_size:
        assert network.receptive_field is not None
        return
    weights = {name: weight[:1] for name, weight in double(population(network)).items()}
    ends = torch.randn(1, futures, future, 1, generator=stream("futures"), dtype=torch.float64)

    def answers(start: Tensor) -> Tensor:
        whole = torch.cat([start.reshape(1, 1, past, 1).expand(1, futures, past, 1), ends], dim=2)
        return at_the_end(signature, network.forward(weights, whole)).reshape(-1)

    start = torch.randn(past, generator=stream("past"), dtype=torch.float64)
    values = torch.linalg.svdvals(torch.autograd.functional.jacobian(answers, start))
    assert int((values > 1e-11 * values[0]).sum()) <= network.state_size


@each_model
def test_a_network_is_pure(spec: ModelSpec) -> None:
    signature = fitting(spec)[0]
    network = build(spec, signature)
    weights, sequences = population(network), inputs(signature)
    kept = {name: weight.clone() for name, weight in weights.items()}
    seen = sequences.clone()
    first, again = network.forward(weights, sequences), network.forward(weights, sequences)
    assert torch.equal(first, again)
    assert torch.equal(seen, sequences)
    assert all(torch.equal(kept[name], weights[name]) for name in kept)
