"""Probes of sequences of tokens: they find what readers of known memory use, or say what to ask instead."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from memspan.engine.scores import losses
from memspan.engine.seeds import stream
from memspan.interfaces.batch import IGNORED
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import ProbeSpec
from memspan.interfaces.readings import Curve, Scalars
from memspan.interfaces.task import TaskSpec
from memspan.models.attention import Attention
from memspan.models.gated_linear_attention import GatedLinearAttention
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN
from memspan.probes import measure
from memspan.probes.attention_by_lag import AttentionByLag
from memspan.probes.blinding import Blinding
from memspan.probes.capacity import Capacity
from memspan.probes.change import Change
from memspan.probes.context import Context
from memspan.probes.input_gradient import InputGradient
from memspan.probes.integrated_gradients import IntegratedGradients
from memspan.probes.length_shift import LengthShift
from memspan.probes.lyapunov import Lyapunov
from memspan.probes.occlusion import Occlusion
from memspan.probes.state_gradient import StateGradient
from memspan.probes.weight_gradient import WeightGradient
from memspan.tasks import sample
from memspan.tasks.compression import Compression
from memspan.tasks.fuzzy_recall import FuzzyRecall
from memspan.tasks.induction import Induction
from memspan.tasks.memorization import Memorization
from memspan.tasks.noisy_recall import NoisyRecall
from memspan.tasks.recall import Recall
from memspan.tasks.selective_copy import SelectiveCopy
from tests.unit.probes.lookups import looks_up, reads_one_lag, says_the_last
from tests.unit.probes.test_residual_blocks import population

TABLE = Memorization(vocabulary=9)
RECALL = Recall(pairs=3, vocabulary=32, power=1, shuffled=True)
FADING = GatedLinearAttention(hidden_size=4, layers=1, decay="fixed", mlp=0)


def says_the_table(inputs: Tensor) -> Tensor:
    """Nearly sure of the value of the key before each step, (1, B, T, 9)."""
    tokens = inputs[..., 0].long()
    before = torch.cat([torch.zeros_like(tokens[:, :1]), tokens[:, :-1]], dim=1).clamp_max(TABLE.keys)
    answers = torch.full((*tokens.shape, 9), 0.01 / 8)
    answers.scatter_(-1, TABLE.table().clamp_min(0)[before].unsqueeze(-1), 0.99)
    return answers.unsqueeze(0)


def curve(spec: ProbeSpec, model: Predictor, task: TaskSpec, length: int) -> Curve:
    network = model.internals.network if model.internals else None
    assert spec.refusal(task, length, network) is None
    found = measure(spec, model, task, length, stream("probe"))
    assert isinstance(found, Curve)
    return found


def scalars(spec: ProbeSpec, model: Predictor, task: TaskSpec, length: int) -> Scalars:
    assert spec.refusal(task, length) is None
    found = measure(spec, model, task, length, stream("probe"))
    assert isinstance(found, Scalars)
    return found


@pytest.mark.parametrize("baseline", ["resample", "zero", "token"])
def test_hiding_a_token_costs_where_it_is_what_the_answer_is_made_of(baseline: str) -> None:
    spec = Occlusion(baseline=baseline, sequences=200)  # type: ignore[arg-type]
    found = curve(spec, Predictor(1, says_the_table), TABLE, 8)
    by_lag = dict(zip(found.x, found.y, strict=True))
    assert by_lag[1] > 1
    assert all(abs(height) < 1e-6 for lag, height in by_lag.items() if lag != 1)


@pytest.mark.parametrize(
    ("task", "length", "model"),
    [
        (RECALL, 24, looks_up(32)),
        (Induction(vocabulary=64), 12, looks_up(64, at_end=True)),
        (NoisyRecall(vocabulary=80), 16, looks_up(80)),
        (FuzzyRecall(key_size=1, value_size=1, vocabulary=41), 16, looks_up(41)),
    ],
    ids=lambda each: each.kind if isinstance(each, TaskSpec) else None,
)
def test_hidden_tokens_that_matter_are_those_that_each_query_depends_on(
    task: TaskSpec, length: int, model: Predictor
) -> None:
    found = curve(Occlusion(baseline="token", sequences=200), model, task, length)
    assert found.scores["auc"] == pytest.approx(1, abs=0.03)  # a pair that was shown twice before may be hidden once
    assert found.scores["relevant"] > 2  # type: ignore[operator]
    assert found.scores["elsewhere"] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("window", [6, 12])
def test_nothing_is_lost_behind_what_a_reader_sees(window: int) -> None:
    found = curve(Occlusion(baseline="token", sequences=300), looks_up(32, window), RECALL, 24)
    lost = {lag for lag, height in zip(found.x, found.y, strict=True) if abs(height) > 0.05}
    assert max(lost) == window - 1 - (window - 1) % 2  # keys stand an even number of steps before their queries
    assert found.n == 300


def test_lags_are_counted_from_the_query_that_is_looked_at() -> None:
    """A single key, asked two steps after it: its lag is 2, its value's 1, its own 0."""
    found = curve(Occlusion(baseline="token"), looks_up(8), Recall(pairs=1, vocabulary=8), 4)
    assert found.x == (0, 1, 2)
    assert min(found.y) > 2


def test_the_effective_context_of_a_table_is_two_steps() -> None:
    assert curve(Context(sequences=200), Predictor(1, says_the_table), TABLE, 8).scores["effective_context"] == 2


def test_the_effective_context_of_recall_reaches_back_to_the_key() -> None:
    found = curve(Context(sequences=200), looks_up(8), Recall(pairs=1, vocabulary=8), 4)
    assert found.scores["effective_context"] == 3
    assert found.scores["learned"] == 1


@pytest.mark.parametrize("known", [1, 3, 5])
def test_of_a_compressed_sequence_the_tokens_that_are_known_are_found(known: int) -> None:
    task, model = Compression(vocabulary=12), says_the_last(12, known)
    found = curve(Occlusion(baseline="token", sequences=400), model, task, 8)
    assert [lag for lag, height in zip(found.x, found.y, strict=True) if height > 0.01] == list(range(known))
    if known > 1:
        asked = curve(Context(step=-known, sequences=100), model, task, 8)
        assert asked.scores["effective_context"] == known
    unknown = curve(Context(step=-known - 1, sequences=100), model, task, 8)
    assert unknown.scores["learned"] == 0


@pytest.mark.parametrize(("index", "share"), [(0, 1), (3, 1), (5, 1), (7, 0), (-1, 0)])
def test_another_token_at_a_step_moves_the_answer_that_depends_on_it(index: int, share: float) -> None:
    found = scalars(Change(index=index, sequences=500), looks_up(32), RECALL, 24)
    assert found.values["relevant_share"] == pytest.approx(share)
    expected = pytest.approx(-100, abs=4)
    assert found.values["median_change"] == (expected if share else pytest.approx(0, abs=1e-3))
    assert ("relevant_change" in found.values) == (share > 0)


def test_a_step_that_few_answers_depend_on_is_told_by_those_alone() -> None:
    """The letter behind the sign stands at a step once in ten: the median over all sequences doesn't see it."""
    found = scalars(Change(index=3, sequences=2_000), looks_up(64, at_end=True), Induction(vocabulary=64), 12)
    assert found.values["median_change"] == pytest.approx(0, abs=1e-3)
    assert found.values["relevant_share"] == pytest.approx(0.2, abs=0.04)  # 4.5 deviations of 2000 draws
    assert found.values["relevant_change"] == pytest.approx(-100, abs=3)


@pytest.mark.parametrize("lag", [1, 2, 4])
@pytest.mark.parametrize("members", [1, 3])
def test_gradients_by_embeddings_stand_at_the_lag_that_is_read(lag: int, members: int) -> None:
    model = reads_one_lag(RECALL.signature(24), lag, members=members)
    for spec in (InputGradient(), IntegratedGradients(n_steps=40)):
        found = curve(spec, model, RECALL, 24)
        assert [at for at, height in zip(found.x, found.y, strict=True) if height > 0] == [lag]


def test_the_gradient_of_a_token_is_as_long_as_that_by_its_own_vector() -> None:
    """dy/dv of what reads one vector, by differences along each of its numbers."""
    model = reads_one_lag(TABLE.signature(8), 1)
    assert model.internals is not None
    batch = sample(TABLE, 8, 100, stream("probe"))
    chosen = batch.targets[:, -1]
    weights, moved = model.internals.weights, 1e-3

    def chances(vectors: Tensor) -> Tensor:
        logits = (vectors @ weights["readout.kernel"][0].double()).tanh()
        return logits.softmax(-1).gather(-1, chosen.unsqueeze(-1)).squeeze(-1)

    vectors = weights["embedding.kernel"][0].double()[batch.inputs[:, -2, 0].long()]
    sides = [moved * torch.eye(3, dtype=torch.float64)[place] for place in range(3)]
    slopes = torch.stack([(chances(vectors + side) - chances(vectors - side)) / (2 * moved) for side in sides], dim=-1)
    found = curve(InputGradient(sequences=100), model, TABLE, 8)
    assert found.y[1] == pytest.approx(float(slopes.norm(dim=-1).mean()), rel=1e-4)


def test_integrated_gradients_of_tokens_add_up_to_the_answer_less_that_of_nothing() -> None:
    model = population(LSTM(hidden_size=6), RECALL, 20, 1)
    found = curve(IntegratedGradients(n_steps=60, sequences=20, number="log_probability"), model, RECALL, 20)
    assert found.scores["convergence_delta"] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(("task", "length"), [(RECALL, 20), (Induction(), 9), (NoisyRecall(), 10)])
def test_attention_without_queries_is_even_up_to_each_query(task: TaskSpec, length: int) -> None:
    found = curve(AttentionByLag(), population(Attention(hidden_size=4), task, length, qkv=0.0), task, length)
    even = found.baseline if isinstance(found.baseline, tuple) else (found.baseline,) * len(found.x)
    assert found.y == pytest.approx(even)
    assert 0 < found.scores["relevant"] < 0.7  # type: ignore[operator]


@pytest.mark.parametrize("task", [RECALL, Induction()])
def test_the_gradient_by_a_fading_matrix_fades_from_the_query_on(task: TaskSpec) -> None:
    found = curve(StateGradient(state="s", sequences=32), population(FADING, task, 20), task, 20)
    assert found.y == pytest.approx([(31 / 32) ** lag for lag in range(len(found.y))], rel=1e-6)


def test_a_gradient_by_the_states_of_a_layer_is_counted_from_the_query_on() -> None:
    model = population(RNN(hidden_size=4), RECALL, 20, 1)
    found = curve(StateGradient(sequences=16), model, RECALL, 20)
    assert found.y[0] == pytest.approx(1)
    assert all(height > 0 for height in found.y)
    assert len(found.x) <= 19  # the last step is never asked


def test_the_exponents_of_a_fading_matrix_are_the_same_for_tokens() -> None:
    found = curve(Lyapunov(steps=30, transient=5), population(FADING, RECALL, 12), RECALL, 12)
    assert found.y == pytest.approx([math.log(31 / 32)] * 8, abs=1e-9)


def test_the_exponents_of_a_layer_are_driven_by_what_stands_for_tokens() -> None:
    model = population(RNN(hidden_size=3), RECALL, 12, 1, **{"layer0.recurrent": 0.0})
    found = curve(Lyapunov(steps=10, transient=2, sequences=2), model, RECALL, 12)
    assert max(found.y) == pytest.approx(math.log(torch.finfo(torch.float64).eps), abs=1)


def test_the_gradient_by_weights_is_that_of_the_training_loss() -> None:
    task = NoisyRecall()
    model = population(LSTM(hidden_size=4), task, 16, 1)
    assert model.internals is not None
    network, signature = model.internals.network, model.internals.signature
    found = scalars(WeightGradient(batches=2, batch_size=50), model, task, 16)
    rng, lengths = stream("probe"), []
    for _ in range(2):
        batch = sample(task, 16, 50, rng)
        leaves = {name: weight.clone().requires_grad_() for name, weight in model.internals.weights.items()}
        outputs = network.forward(leaves, batch.inputs.unsqueeze(0))
        loss = losses(signature.problem, outputs, batch.targets.unsqueeze(0), marked=True).sum()
        slopes = torch.autograd.grad(loss, list(leaves.values()))
        lengths.append(torch.stack([slope.double().norm() for slope in slopes]).norm())
    assert found.values["all"] == pytest.approx(float(sum(lengths) / 2), rel=1e-4)


@pytest.mark.parametrize("metric", ["loss", "accuracy", "exact"])
def test_a_score_at_other_lengths_counts_the_answers_that_are_due(metric: str) -> None:
    spec = LengthShift(lengths=(12, 24, 36), metric=metric, sequences=50)  # type: ignore[arg-type]
    found = curve(spec, looks_up(32), RECALL, 24)
    assert found.y == pytest.approx([-math.log(0.99) if metric == "loss" else 1.0] * 3, abs=1e-5)


@pytest.mark.parametrize(
    ("spec", "task", "said"),
    [
        (Blinding(), Induction(), "induction shows tokens: an answer can't follow a ramp of them. Ask occlusion"),
        (Capacity(), Recall(), "recall shows tokens: none of them is read linearly by its size. Ask context"),
        (Occlusion(baseline="mean"), Induction(), "baseline must be resample, zero or token"),
        (Occlusion(step=5), Recall(), "are due at steps that differ by sequence: step must be null"),
        (Context(step=3), SelectiveCopy(), "step must be one of 28 to 31, or null"),
        (StateGradient(), Compression(), "Ask occlusion, context or integrated_gradients."),
        (AttentionByLag(), Compression(), "Ask occlusion, context or integrated_gradients."),
    ],
)
def test_what_cant_be_asked_of_tokens_says_what_to_ask_instead(spec: ProbeSpec, task: TaskSpec, said: str) -> None:
    assert said in (spec.refusal(task, 32) or "")


@pytest.mark.parametrize(
    "task", [Recall(), NoisyRecall(), FuzzyRecall(), SelectiveCopy(), Induction(), Compression(), TABLE]
)
def test_the_kinds_of_a_tasks_tokens_are_all_its_tokens(task: TaskSpec) -> None:
    together = [token for kind in task.token_kinds() for token in kind]
    assert together == list(range(task.signature(32).vocabulary))


def test_a_single_answer_of_each_sequence_is_one_of_those_that_are_due() -> None:
    task = NoisyRecall()
    spec = Occlusion(sequences=500)
    batch, selected = spec.drawn(task, 20, stream("probe"))
    whole = sample(task, 20, 500, stream("probe"))
    assert ((batch.targets != IGNORED).sum(1) == 1).all()
    assert ((batch.targets == IGNORED) | (batch.targets == whole.targets)).all()
    assert len(set(selected.steps(batch.targets).tolist())) > 5
