"""ONNX graphs: onnxruntime answers what Memspan answers, for any batch and any number of steps."""

import onnx
import onnxruntime
import pytest
import torch

from memspan.exchange.no_form import NoForm
from memspan.exchange.onnx_graph import graph
from tests.unit.exchange.models import ORIGIN, answers, condition, drawn, shown

LATCH, TOKENS, DIGITS = {"kind": "latch"}, {"kind": "recall"}, {"kind": "binary_addition"}
CASES = [
    ({"kind": "rnn", "hidden_size": 5}, LATCH, 10),
    ({"kind": "rnn", "hidden_size": 5, "activation": "relu", "bidirectional": True}, None, 10),
    ({"kind": "lstm", "hidden_size": [6, 4]}, LATCH, 10),
    ({"kind": "lstm", "hidden_size": 5, "initialization": "torch", "bidirectional": True}, None, 10),
    ({"kind": "lstm", "hidden_size": 5, "peephole": True, "recurrent_activation": "hard_sigmoid"}, None, 10),
    ({"kind": "lstm", "hidden_size": 5, "activation": "softplus"}, None, 10),
    ({"kind": "gru", "hidden_size": [6, 4], "bidirectional": True}, None, 10),
    ({"kind": "gru", "hidden_size": 5, "reset": "before"}, None, 10),
    ({"kind": "gru", "hidden_size": 5}, DIGITS, 10),
    ({"kind": "lstm", "hidden_size": 8}, TOKENS, 24),
    ({"kind": "mlp", "hidden_size": [6, 4], "activation": "relu"}, LATCH, 10),
]


def asked(data: bytes, inputs: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(["outputs"], {"inputs": inputs.numpy()})[0])


@pytest.mark.parametrize(("model", "task", "length"), CASES, ids=str)
def test_onnxruntime_answers_what_memspan_answers(model, task, length: int) -> None:
    made = condition(model, task, length)
    weights = drawn(made)
    data = graph(made, weights, ORIGIN)
    free = made.network().any_length
    for batch, steps in ((5, made.signature.length), (1, made.signature.length + (7 if free else 0))):
        inputs = shown(made, batch, steps)
        assert (asked(data, inputs) - answers(made, weights, inputs)).abs().max() < 1e-5


def test_the_same_weights_give_the_same_bytes_and_they_say_what_they_are() -> None:
    made = condition({"kind": "gru"})
    data = graph(made, drawn(made), ORIGIN)
    assert data == graph(made, drawn(made), ORIGIN)
    model = onnx.load_from_string(data)
    told = {each.key: each.value for each in model.metadata_props}
    assert told["checkpoint"] == "ckpt-1"
    assert '"kind": "gru"' in told["model"]
    assert (model.ir_version, model.opset_import[0].version) == (8, 17)


@pytest.mark.parametrize("model", [{"kind": "mamba"}, {"kind": "lstm", "open_gates": ["o"]}, {"kind": "tcn"}], ids=str)
def test_a_model_without_an_operator_is_refused_in_words(model) -> None:
    made = condition(model)
    with pytest.raises(NoForm, match=r"no operator in ONNX|open_gates"):
        graph(made, drawn(made), ORIGIN)
