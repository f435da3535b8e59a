"""torch's layout: nn.RNN, nn.LSTM or nn.GRU called ``recurrent`` and nn.Linear called ``readout``.

``weight_ih_l0`` (G H, I), ``weight_hh_l0`` (G H, H), ``bias_ih_l0`` and ``bias_hh_l0`` (G H,), ``_reverse`` behind them
for the layer that runs backward. The order of the gates is Memspan's own: i f g o, r z n. Layers of several sizes are
an nn.ModuleList: ``recurrent.0.weight_ih_l0``, ``recurrent.1.weight_ih_l0``. nn.Embedding is called ``embedding``. A
bidirectional read-out takes what both directions end with (h_n), not the last step of the output.

Source:
    torch.nn.LSTM, torch.nn.GRU and torch.nn.RNN of torch 2.13, their documentation.
"""

from __future__ import annotations

import re

from torch import Tensor

from memspan.exchange.foreign import Foreign, kind_of, readout_of
from memspan.exchange.no_form import NoForm
from memspan.exchange.plain_layers import Tensors, biases, plain
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Network
from memspan.interfaces.recurrence import Layer, Recurrence
from memspan.models.gru import GRU
from memspan.models.lstm import LSTM

ENTRY = re.compile(r"(?P<module>.*?)(?P<what>weight_ih|weight_hh|bias_ih|bias_hh)_l(?P<layer>\d+)(?P<side>_reverse)?")


def written(model: ModelSpec, network: Network, weights: Tensors) -> dict[str, Tensor]:
    """The weights of one model as torch has them.

    Raises:
        NoForm: torch has no such module.
    """
    recurrence = plain(model, network, "torch")
    _check(model)
    found = {f"readout.{end}": each for end, each in _linear(weights, recurrence.readout).items()}
    if "embedding.kernel" in weights:
        found["embedding.weight"] = weights["embedding.kernel"]
    for layer in recurrence.layers:
        found |= _layer(weights, layer, _name(recurrence, layer))
    return {name: each.contiguous() for name, each in found.items()}


def _check(model: ModelSpec) -> None:
    odd: dict[str, str] = {}
    if isinstance(model, LSTM):
        odd = {
            "activation": "tanh" if model.activation != "tanh" else "",
            "peephole": "no peepholes" if model.peephole else "",
            "open_gates": "all of its gates" if model.open_gates else "",
        }
    if isinstance(model, GRU):
        odd = {"reset": "the reset gate after the product" if model.reset != "after" else ""}
    if getattr(model, "recurrent_activation", "sigmoid") != "sigmoid":
        odd["recurrent_activation"] = "sigmoid"
    for field, has in odd.items():
        if has:
            raise NoForm(
                f"torch's {model.kind} has {has}, and this model's {field} is {getattr(model, field)!r}. "
                "Take layout=memspan, or layout=keras.",
                f"model/{field}",
            )


def _name(recurrence: Recurrence, layer: Layer) -> tuple[str, str]:
    """What stands before and behind the names of a layer's weights."""
    level = next(place for place, level in enumerate(recurrence.levels) if layer in level)
    side = "_reverse" if layer.reverse else ""
    if len({each.size for each in recurrence.layers}) == 1:
        return "recurrent.", f"_l{level}{side}"
    return f"recurrent.{level}.", f"_l0{side}"


def _layer(weights: Tensors, layer: Layer, name: tuple[str, str]) -> dict[str, Tensor]:
    bias, recurrent_bias = biases(weights, layer)
    values = {
        "weight_ih": weights[f"{layer.name}.kernel"].T,
        "weight_hh": weights[f"{layer.name}.recurrent"].T,
        "bias_ih": bias,
        "bias_hh": recurrent_bias,
    }
    return {name[0] + what + name[1]: each for what, each in values.items()}


def _linear(weights: Tensors, name: str) -> dict[str, Tensor]:
    return {"weight": weights[f"{name}.kernel"].T, "bias": weights[f"{name}.bias"]}


def fits(tensors: Tensors) -> bool:
    """Whether names look like torch's."""
    return any(ENTRY.fullmatch(name) for name in tensors)


def read(tensors: Tensors) -> Foreign:
    """A stack of torch's recurrent layers and one Linear.

    Raises:
        NoForm: it is something else.
    """
    entries = {name: match for name in tensors if (match := ENTRY.fullmatch(name))}
    order = sorted({(each["module"], int(each["layer"])) for each in entries.values()}, key=_natural)
    place = {each: number for number, each in enumerate(order)}
    weights: dict[str, Tensor] = {}
    for name, match in entries.items():
        layer = f"layer{place[match['module'], int(match['layer'])]}{'.backward' if match['side'] else ''}"
        end, turned = PARTS[match["what"]]
        weights[f"{layer}.{end}"] = tensors[name].T.contiguous() if turned else tensors[name]
    rest = {name: each for name, each in tensors.items() if name not in entries}
    embedding = _embedding(rest)
    kernel, bias = readout_of(rest, "weight")
    weights |= {"readout.kernel": kernel.T.contiguous(), "readout.bias": bias} | embedding
    kind = kind_of(weights)
    return Foreign(kind, {"initialization": "torch"}, weights, len(order))


PARTS = {
    "weight_ih": ("kernel", True),
    "weight_hh": ("recurrent", True),
    "bias_ih": ("bias", False),
    "bias_hh": ("recurrent_bias", False),
}


def _natural(each: tuple[str, int]) -> tuple[list[tuple[int, str]], int]:
    """Modules in the order of their numbers: recurrent.2 before recurrent.10."""
    parts = [(int(part), "") if part.isdigit() else (0, part) for part in each[0].split(".")]
    return parts, each[1]


def _embedding(rest: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take an nn.Embedding out of what is left: a matrix without a bias."""
    alone = [
        name
        for name, each in rest.items()
        if name.endswith("weight") and each.ndim == 2 and f"{name.removesuffix('weight')}bias" not in rest
    ]
    if len(alone) > 1:
        raise NoForm(f"Only one embedding can be read; there are {', '.join(alone)}.", "file")
    return {"embedding.kernel": rest.pop(alone[0])} if alone and len(rest) > 1 else {}
