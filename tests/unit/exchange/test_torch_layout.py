"""Weights in torch's layout: torch's own modules answer what Memspan answers, and they come back as they went."""

import pytest
import torch

from memspan.exchange import torch_layout
from memspan.exchange.layouts import arranged, exported
from memspan.exchange.no_form import NoForm
from memspan.experiment.checkpoint import packed
from memspan.interfaces.tensor_file import read
from tests.unit.exchange.models import ORIGIN, answers, condition, drawn, shown

MODULES = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
STACKS = [
    {"kind": kind, "hidden_size": [6, 6], "initialization": start, "bidirectional": both}
    for kind in MODULES
    for start in ("keras", "torch")
    for both in (False, True)
]


class Model(torch.nn.Module):
    """What the documentation of the layout describes."""

    def __init__(self, kind: str, channels: int, both: bool, **settings) -> None:
        super().__init__()
        self.recurrent = MODULES[kind](channels, 6, 2, batch_first=True, bidirectional=both, **settings)
        self.readout = torch.nn.Linear(6 * (1 + both), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _, state = self.recurrent(x)
        last = state[0] if isinstance(state, tuple) else state
        return self.readout(torch.cat(list(last[-2:] if self.recurrent.bidirectional else last[-1:]), dim=-1))


@pytest.mark.parametrize("model", STACKS, ids=lambda model: "-".join(map(str, model.values())))
def test_torch_answers_what_memspan_answers(model) -> None:
    made = condition(model)
    weights, inputs = drawn(made), shown(made)
    theirs = Model(model["kind"], made.signature.channels, model["bidirectional"])
    theirs.load_state_dict(arranged(made, weights, "torch"), strict=True)
    with torch.inference_mode():
        found = theirs.double()(inputs.double())
    ours = answers(made, {name: each.double() for name, each in weights.items()}, inputs.double())
    assert (found - ours).abs().max() < 1e-6
    assert (found - answers(made, weights, inputs)).abs().max() < 1e-5


@pytest.mark.parametrize(
    "model", [*STACKS, {"kind": "lstm", "hidden_size": [5, 4], "initialization": "torch"}], ids=str
)
def test_weights_that_went_out_come_back_bit_for_bit(model) -> None:
    made = condition({**model, "initialization": "torch"})
    weights = drawn(made)
    back = torch_layout.read(arranged(made, weights, "torch"))
    again = condition(back.spec)
    assert again.model == made.model
    assert back.weights.keys() == weights.keys()
    assert all(torch.equal(back.weights[name], each) for name, each in weights.items())


def test_layers_of_several_sizes_are_modules_of_their_own() -> None:
    made = condition({"kind": "gru", "hidden_size": [5, 4]})
    names = arranged(made, drawn(made), "torch")
    assert names["recurrent.0.weight_ih_l0"].shape == (15, 2)
    assert names["recurrent.1.weight_ih_l0"].shape == (12, 5)


def test_tokens_have_an_embedding() -> None:
    made = condition({"kind": "lstm", "hidden_size": 8}, {"kind": "recall"}, 24)
    found = arranged(made, drawn(made), "torch")
    assert found["embedding.weight"].shape == (made.signature.vocabulary, 8)
    back = torch_layout.read(found)
    assert "embedding.kernel" in back.weights
    assert back.kind == "lstm"


def test_a_file_tells_what_it_is() -> None:
    made = condition({"kind": "lstm", "hidden_size": 3})
    file = exported(made, packed(drawn(made)).data, "torch", ORIGIN)
    _, told = read(file.data)
    assert told["layout"] == "torch"
    assert told["format"] == "pt"
    assert told["seed"] == "7"
    assert '"kind": "lstm"' in told["model"]
    assert '"kind": "adding"' in told["task"]
    assert told["length"] == "12"
    assert file.data == exported(made, packed(drawn(made)).data, "torch", ORIGIN).data


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"kind": "gru", "reset": "before"}, "torch's gru has the reset gate after the product.*reset is 'before'"),
        ({"kind": "lstm", "peephole": True}, "no peepholes"),
        ({"kind": "lstm", "open_gates": ["o"]}, "open_gates"),
        ({"kind": "lstm", "recurrent_activation": "hard_sigmoid"}, "recurrent_activation is 'hard_sigmoid'"),
        ({"kind": "mamba"}, "torch has no module for the model mamba"),
    ],
)
def test_what_torch_lacks_is_refused_in_words(model, words: str) -> None:
    made = condition(model)
    with pytest.raises(NoForm, match=words):
        arranged(made, drawn(made), "torch")


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"a.weight": torch.zeros(2, 3), "a.bias": torch.zeros(2)}, "found none"),
        ({"r.weight_ih_l0": torch.zeros(8, 3), "r.weight_hh_l0": torch.zeros(8, 3)}, "dense layer"),
        (
            {
                "r.weight_ih_l0": torch.zeros(8, 3),
                "r.weight_hh_l0": torch.zeros(8, 3),
                "o.weight": torch.zeros(1, 2),
                "o.bias": torch.zeros(1),
            },
            r"recurrent matrix layer0.recurrent has the shape \(3, 8\)",
        ),
        (
            {
                "r.weight_ih_l0": torch.zeros(8, 3),
                "r.weight_hh_l0": torch.zeros(8, 2),
                "o.weight": torch.zeros(1, 2),
                "o.bias": torch.zeros(1),
                "conv.weight": torch.zeros(1, 2, 3),
            },
            "found conv.weight, o.bias, o.weight",
        ),
    ],
)
def test_what_is_no_stack_of_layers_is_named(tensors, words: str) -> None:
    with pytest.raises(NoForm, match=words):
        torch_layout.read(tensors)
