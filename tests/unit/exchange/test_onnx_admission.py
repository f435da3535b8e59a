"""Admission of ONNX files: what is understood, what is said, and that nothing hostile outlives its child."""

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

from memspan.confinement import Bounds
from memspan.exchange.no_form import NoForm
from memspan.exchange.onnx_admission import Wish, admitted
from memspan.exchange.onnx_graph import graph
from memspan.exchange.onnx_model import Scaling
from memspan.exchange.onnx_runner import OnnxRunner
from memspan.interfaces.signature import Problem, Signature
from tests.unit.exchange.graphs import ATTACKS, INT, MINUS, const, last, packed, plain
from tests.unit.exchange.models import ORIGIN, answers, condition, drawn, shown

NUMBER = Signature(12, 1, 1, Problem.REGRESSION)
CLASSES = Signature(12, 1, 2, Problem.CLASSIFICATION)
SAMPLES = torch.randn(50, 12, 1, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_file_ends_in_words_that_name_what_is_wrong(name: str) -> None:
    made, words = ATTACKS[name]
    with pytest.raises(NoForm, match=words):
        admitted(made(), Wish(), NUMBER, SAMPLES, Bounds(seconds=12, processor_seconds=3))


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_our_own_export_gives_our_own_answers(kind: str) -> None:
    made = condition({"kind": kind, "hidden_size": 6}, {"kind": "latch"})
    weights, inputs = drawn(made), shown(made, 9, 30)
    data = graph(made, weights, ORIGIN)
    model = admitted(data, Wish(), made.signature, shown(made, 50))
    assert (model.layout, model.steps, model.answer, model.batch) == ("BTC", None, "probabilities", None)
    found = OnnxRunner(model, data, made.signature).answer(inputs)
    assert (found[0] - answers(made, weights, inputs)).abs().max() < 1e-5


def test_logits_are_told_from_probabilities() -> None:
    nodes = [
        helper.make_node("Gather", ["x", "minus"], ["l"], axis=1),
        helper.make_node("Neg", ["l"], ["n"]),
        helper.make_node("Concat", ["l", "n"], ["y"], axis=1),
    ]
    data = packed(nodes, [MINUS], answer=("B", 2))
    model = admitted(data, Wish(), CLASSES, SAMPLES)
    assert model.answer == "logits"
    found = OnnxRunner(model, data, CLASSES).answer(SAMPLES)[0]
    assert torch.allclose(found, torch.cat([SAMPLES[:, -1], -SAMPLES[:, -1]], 1).softmax(-1), atol=1e-6)
    with pytest.raises(NoForm, match="no probabilities"):
        admitted(data, Wish(answer="probabilities"), CLASSES, SAMPLES)


def test_one_number_for_two_classes_is_asked_about() -> None:
    with pytest.raises(NoForm, match="one number for two classes"):
        admitted(plain(), Wish(), CLASSES, SAMPLES)
    model = admitted(plain(), Wish(answer="logits"), CLASSES, SAMPLES)
    found = OnnxRunner(model, plain(), CLASSES).answer(SAMPLES)[0]
    assert torch.allclose(found[:, 1], SAMPLES[:, -1, 0].sigmoid(), atol=1e-6)


def test_time_first_is_found_out() -> None:
    nodes = [
        helper.make_node("CumSum", ["x", "zero"], ["c"]),
        helper.make_node("Gather", ["c", "minus"], ["y"], axis=0),
    ]
    data = packed(nodes, [const("zero", np.array(0, np.int64)), MINUS], shown=["T", "B", 1])
    model = admitted(data, Wish(), NUMBER, SAMPLES)
    assert model.layout == "TBC"
    found = OnnxRunner(model, data, NUMBER).answer(SAMPLES)[0]
    assert torch.allclose(found, SAMPLES.sum(1), atol=1e-5)


def test_a_flat_window_of_fixed_length_and_batch_is_run_in_parts() -> None:
    rng = np.random.default_rng(1)
    kernel = const("k", rng.standard_normal((12, 1)).astype(np.float32))
    data = packed([helper.make_node("MatMul", ["x", "k"], ["y"])], [kernel], shown=[4, 12], answer=(4, 1))
    model = admitted(data, Wish(), NUMBER, SAMPLES)
    assert (model.layout, model.batch, model.steps) == ("BT", 4, 12)
    found = OnnxRunner(model, data, NUMBER).answer(SAMPLES)
    assert found.shape == (1, 50, 1)


def test_an_axis_that_only_says_that_it_is_free_is_found_fixed() -> None:
    shape = const("shape", np.array([-1, 12], np.int64))
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["f"]), helper.make_node("Gather", ["f", "at"], ["y"], axis=1)]
    data = packed(nodes, [shape, const("at", np.array([11], np.int64))])
    model = admitted(data, Wish(), NUMBER, SAMPLES)
    assert model.steps == 12
    assert "steps: 12 alone" in model.found


def test_tokens_are_shown_as_whole_numbers_and_every_step_answers() -> None:
    tokens = Signature(12, 1, 3, Problem.CLASSIFICATION, every_step=True, vocabulary=3)
    table = const("table", np.eye(3, dtype=np.float32) * 4)
    data = packed(
        [helper.make_node("Gather", ["table", "x"], ["y"])],
        [table],
        shown=["B", "T"],
        answer=("B", "T", 3),
        type_in=INT,
    )
    samples = torch.randint(3, (20, 12, 1), generator=torch.Generator().manual_seed(1)).float()
    model = admitted(data, Wish(), tokens, samples)
    assert (model.type, model.layout, model.answer) == ("int64", "BT", "logits")
    found = OnnxRunner(model, data, tokens).answer(samples)
    assert found.shape == (1, 20, 12, 3)
    assert torch.equal(found[0].argmax(-1), samples[..., 0].long())


def test_states_are_fed_zeros_and_other_inputs_are_refused_by_name() -> None:
    def with_second(name, shape):
        model_graph = helper.make_graph(
            last(helper.make_node("ReduceSum", [name], ["s"], keepdims=0), helper.make_node("Add", ["x", "s"], ["z"]),
                 source="z"),
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", "T", 1]),
             helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["B", 1])],
            [MINUS],
        )  # fmt: skip
        return helper.make_model(
            model_graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
        ).SerializeToString()

    model = admitted(with_second("h0", [1, "B", 4]), Wish(), NUMBER, SAMPLES)
    assert [each.name for each in model.states] == ["h0"]
    with pytest.raises(NoForm, match="also wants 'mask'"):
        admitted(with_second("mask", ["B", "T"]), Wish(), NUMBER, SAMPLES)


def test_an_example_verifies_the_file_or_says_by_how_much_it_is_wrong() -> None:
    inputs = SAMPLES[:3]
    model = admitted(plain(), Wish(example=(inputs, inputs[:, -1])), NUMBER, SAMPLES)
    assert model.verified
    with pytest.raises(NoForm, match="differ by") as caught:
        admitted(plain(), Wish(example=(inputs, inputs[:, -1] + 0.1)), NUMBER, SAMPLES)
    assert caught.value.place == "example/outputs"


def test_scaling_stands_ahead_of_the_model_and_behind_it() -> None:
    wish = Wish(inputs=Scaling(mean=(1.0,), scale=(2.0,)), outputs=Scaling(mean=(3.0,), scale=(4.0,)))
    model = admitted(plain(), wish, NUMBER, SAMPLES)
    found = OnnxRunner(model, plain(), NUMBER).answer(SAMPLES)[0]
    assert torch.allclose(found, (SAMPLES[:, -1] - 1) / 2 * 4 + 3, atol=1e-5)


@pytest.mark.parametrize(
    ("wish", "place", "words"),
    [
        (Wish(input="nothing"), "input", "no input 'nothing'; it has x"),
        (Wish(output="nothing"), "output", "no output 'nothing'; it has y"),
        (Wish(layout="TBC"), "layout|output", "shape|alone"),
        (Wish(answer="logits"), "answer", "asks for values"),
    ],
)
def test_a_wrong_wish_is_named_with_what_there_is(wish: Wish, place: str, words: str) -> None:
    with pytest.raises(NoForm, match=words) as caught:
        admitted(plain(), wish, NUMBER, SAMPLES)
    assert caught.value.place in place.split("|")


def test_a_child_that_was_ended_is_started_again_for_the_next_question() -> None:
    model = admitted(plain(), Wish(), NUMBER, SAMPLES)
    runner = OnnxRunner(model, plain(), NUMBER)
    before = runner.answer(SAMPLES)
    child = runner._child
    assert child is not None
    child.close()
    assert torch.equal(runner.answer(SAMPLES), before)


def test_a_whole_probe_is_answered_by_one_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """What bounds its cost: a process is started once, however many questions there are."""
    from memspan.confinement import Confined
    from memspan.exchange import onnx_runner

    started: list[Confined] = []

    def counted(*args: object) -> Confined:
        started.append(Confined(*args))  # type: ignore[arg-type]
        return started[-1]

    model = admitted(plain(), Wish(), NUMBER, SAMPLES)
    monkeypatch.setattr(onnx_runner, "Confined", counted)
    runner = OnnxRunner(model, plain(), NUMBER)
    for _ in range(20):
        runner.answer(SAMPLES)
    assert len(started) == 1
    del runner
    assert not started[0].alive, "it ends with what it served"
