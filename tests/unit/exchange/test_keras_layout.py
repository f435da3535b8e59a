"""Weights in Keras' layout, held against the published equations of its layers."""

import pytest
import torch

from memspan.exchange import keras_layout
from memspan.exchange.layouts import arranged
from memspan.exchange.no_form import NoForm
from tests.unit.exchange.models import answers, condition, drawn, shown

MODELS = [
    {"kind": "rnn", "hidden_size": 5, "activation": "relu"},
    {"kind": "lstm", "hidden_size": [5, 4], "initialization": "torch"},
    {"kind": "lstm", "hidden_size": 5, "activation": "softplus"},
    {"kind": "gru", "hidden_size": [5, 4]},
    {"kind": "gru", "hidden_size": 5, "reset": "before"},
    {"kind": "gru", "hidden_size": 5, "bidirectional": True},
]
ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "softplus": torch.nn.functional.softplus}


def run(model, layer, x, reverse: bool = False):
    """One Keras layer over (B, T, I): its outputs (B, T, H), in the order of Keras' documentation."""
    kernel, recurrent, bias = (layer[end].double() for end in ("kernel", "recurrent_kernel", "bias"))
    h = c = torch.zeros(len(x), recurrent.shape[0], dtype=torch.float64)
    act = ACTIVATIONS[model.get("activation", "tanh")]
    outputs = []
    for now in x.flip(1).unbind(1) if reverse else x.unbind(1):
        if model["kind"] == "rnn":
            h = act(now @ kernel + bias + h @ recurrent)
        elif model["kind"] == "lstm":
            i, f, g, o = (now @ kernel + h @ recurrent + bias).chunk(4, -1)
            c = f.sigmoid() * c + i.sigmoid() * act(g)
            h = o.sigmoid() * act(c)
        elif bias.ndim == 2:  # reset_after
            z, r, n = (now @ kernel + bias[0]).chunk(3, -1)
            hz, hr, hn = (h @ recurrent + bias[1]).chunk(3, -1)
            z, r = (z + hz).sigmoid(), (r + hr).sigmoid()
            h = z * h + (1 - z) * torch.tanh(n + r * hn)
        else:
            z, r, n = (now @ kernel + bias).chunk(3, -1)
            uz, ur, un = recurrent.chunk(3, -1)
            z, r = (z + h @ uz).sigmoid(), (r + h @ ur).sigmoid()
            h = z * h + (1 - z) * torch.tanh(n + (r * h) @ un)
        outputs.append(h)
    return torch.stack(outputs, 1)


def keras(model, found, x):
    """What a Keras model of these variables answers."""

    def layer(path):
        return {end: found[f"{path}/{end}"] for end in ("kernel", "recurrent_kernel", "bias")}

    for level in range(2):
        if f"layer{level}/kernel" in found:
            x = run(model, layer(f"layer{level}"), x)
        elif f"layer{level}/forward/kernel" in found:
            sides = [run(model, layer(f"layer{level}/{way}"), x, way == "backward") for way in ("forward", "backward")]
            x = torch.cat(sides, -1)
    return x[:, -1] @ found["readout/kernel"].double() + found["readout/bias"].double()


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_keras_answers_what_memspan_answers(model) -> None:
    made = condition(model)
    weights, inputs = drawn(made), shown(made).double()
    found = keras(model, arranged(made, weights, "keras"), inputs)
    ours = answers(made, {name: each.double() for name, each in weights.items()}, inputs)
    assert (found - ours).abs().max() < 1e-6


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_weights_that_went_out_come_back_to_the_same_answers(model) -> None:
    made = condition(model)
    weights, inputs = drawn(made), shown(made)
    back = keras_layout.read(arranged(made, weights, "keras"))
    again = condition({**back.spec, **{k: model[k] for k in ("activation",) if k in model}})
    assert (answers(again, dict(back.weights), inputs) - answers(made, weights, inputs)).abs().max() < 1e-6


def test_names_that_keras_gives_are_read_in_the_order_of_their_numbers() -> None:
    made = condition({"kind": "gru", "hidden_size": [5, 4]})
    out = arranged(made, drawn(made), "keras")
    named = {
        name.replace("layer0/", "sequential/gru_9/gru_cell/")
        .replace("layer1/", "sequential/gru_10/gru_cell/")
        .replace("readout/", "sequential/dense/"): each
        for name, each in out.items()
    }
    assert keras_layout.read(named).spec == {"kind": "gru", "hidden_size": [5, 4], "reset": "after"}


def test_what_keras_lacks_is_refused_in_words() -> None:
    for model, words in (
        ({"kind": "lstm", "peephole": True}, "peephole"),
        ({"kind": "gru", "recurrent_activation": "hard_sigmoid"}, "another hard_sigmoid"),
        ({"kind": "tcn"}, "Keras has no module for the model tcn"),
    ):
        made = condition(model)
        with pytest.raises(NoForm, match=words):
            arranged(made, drawn(made), "keras")
