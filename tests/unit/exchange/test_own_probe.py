"""``memspan.probe``: any model that answers, held against what is known of it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier

import memspan
from memspan.exchange.onnx_graph import graph
from memspan.interfaces.readings import Curve, Scalars
from tests.unit.exchange.models import ORIGIN, condition, drawn

RNG = np.random.default_rng(7)
X = RNG.standard_normal((300, 10, 1)).astype(np.float32)
LAG = 3
Y = X[:, -1 - LAG, 0]


def echo(x: np.ndarray) -> np.ndarray:
    """The number of three steps ago."""
    return x[:, -1 - LAG, 0]


def curve(found: object) -> Curve:
    assert isinstance(found, Curve)
    return found


def test_the_context_of_a_function_is_where_it_looks() -> None:
    found = curve(memspan.probe(echo, X, Y, kind="context"))
    assert found.scores["effective_context"] == LAG + 1


def test_occlusion_finds_the_one_step_that_is_used_whatever_the_model_is() -> None:
    ridge = Ridge(alpha=1e-6).fit(X[:, :, 0], Y)
    module = torch.nn.RNN(1, 1, nonlinearity="relu")

    class Last(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(1))
            self.dropout = torch.nn.Dropout(0.9)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.dropout(self.scale * x[:, -1 - LAG])

    assert module.training
    for model in (echo, ridge, Last()):
        found = curve(memspan.probe(model, X, Y, kind="occlusion", of="answer"))
        assert found.x[int(np.argmax(found.y))] == LAG, type(model)


def test_gradients_go_through_a_torch_module_and_leave_it_as_it_was() -> None:
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(10, 1))
    with torch.no_grad():
        module[1].weight.zero_()[0, 9 - LAG] = 2
    found = curve(memspan.probe(module, torch.from_numpy(X), Y, kind="input_gradient"))
    assert found.x[int(np.argmax(found.y))] == LAG
    assert module.training
    assert module[1].weight.grad is None


def test_classes_come_from_predict_proba_or_from_logits() -> None:
    labels = (Y > 0).astype(int)
    window = X[:, :, 0]
    for model in (LogisticRegression().fit(window, labels), MLPClassifier((8,), max_iter=2000).fit(window, labels)):
        found = memspan.probe(model, window, labels, kind="change", index=9 - LAG, percent=-200)
        assert isinstance(found, Scalars)
        assert found.values["median_change"] < -40
    with pytest.raises(ValueError, match="predict_proba"):
        memspan.probe(Ridge().fit(window, labels), window, labels)


def test_an_onnx_file_is_run_in_a_child_and_probed(tmp_path: Path) -> None:
    made = condition({"kind": "lstm", "hidden_size": 4}, {"kind": "latch"}, 10)
    path = tmp_path / "model.onnx"
    path.write_bytes(graph(made, drawn(made), ORIGIN))
    found = curve(memspan.probe(str(path), X, (X[:, 0, 0] > 0).astype(int), kind="occlusion"))
    assert len(found.y) == 10


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"X": X[:5]}, "5 sequences"),
        ({"X": X[:, :, :, None]}, r"\(B, T, C\)"),
        ({"X": X * np.nan}, "finite"),
        ({"y": ["a"] * 300}, "number your classes"),
        ({"y": np.zeros((300, 2), np.float32)}, "answers with 1 numbers, y has 2"),
        ({"y": np.arange(300)}, r"taken for classes\. If they are values, give them as y\.astype\(float\)"),
        ({"y": np.where(Y > 0, 1, -1)}, r"class numbers from 0; given -1\. If they are values, give y\.astype"),
        (
            {"y": 1 + (Y > 0), "model": lambda x: np.stack([echo(x), -echo(x)], 1)},
            "2 classes apart, y has 3: .* count from 0",
        ),
        ({"model": object()}, "torch module"),
        ({"kind": "state_gradient"}, "looks inside"),
        ({"kind": "input_gradient"}, "looks inside"),
        ({"kind": "change", "index": 10}, "inside the 10 steps"),
        ({"kind": "length_shift"}, "one length|length"),
    ],
)
def test_what_does_not_fit_is_said(changes, words: str) -> None:
    asked = {"model": echo, "X": X, "y": Y, **changes}
    with pytest.raises(ValueError, match=words):
        memspan.probe(**asked)
