"""Weights of another framework, renamed to Memspan's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from memspan.exchange.no_form import NoForm

GATES = {1: "rnn", 3: "gru", 4: "lstm"}
"""kinds by the blocks of their recurrent matrix (H, G H)"""


@dataclass(frozen=True)
class Foreign:
    """What was understood of a file.

    Attributes:
        kind: of the model.
        fields: of its spec, which the layout tells; sizes and directions follow from the weights.
        weights: by Memspan's names, of one model.
    """

    kind: str
    fields: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    layers: int

    @property
    def spec(self) -> dict[str, Any]:
        """The model as a user would write it."""
        sizes = [self.weights[f"layer{layer}.recurrent"].shape[0] for layer in range(self.layers)]
        both = "layer0.backward.kernel" in self.weights
        size: int | list[int] = sizes[0] if len(sizes) == 1 else sizes
        return {"kind": self.kind, "hidden_size": size, **({"bidirectional": True} if both else {}), **self.fields}


def kind_of(weights: Mapping[str, Tensor]) -> str:
    """The kind of model that recurrent matrices belong to.

    Raises:
        NoForm: they are none of a plain cell.
    """
    found = set()
    for name, each in weights.items():
        if name.endswith(".recurrent"):
            if each.ndim != 2 or not each.shape[0] or each.shape[1] % each.shape[0]:
                raise NoForm(
                    f"The recurrent matrix {name} has the shape {tuple(each.shape)}, not (H, gates x H).", "file"
                )
            found.add(each.shape[1] // each.shape[0])
    if len(found) != 1 or not found <= GATES.keys():
        raise NoForm(
            "The file must hold one stack of recurrent layers with 1 (RNN), 3 (GRU) or 4 (LSTM) gates; found "
            + (", ".join(f"{gates}" for gates in sorted(found)) if found else "none")
            + ".",
            "file",
        )
    return GATES[found.pop()]


def readout_of(rest: Mapping[str, Tensor], kernel: str) -> tuple[Tensor, Tensor]:
    """The one dense layer behind the recurrent ones: its matrix, called ``kernel``, and its bias.

    Raises:
        NoForm: there is none, or there are several.
    """
    matrices = [name for name, each in rest.items() if name.endswith(kernel) and each.ndim == 2]
    others = sorted(set(rest) - {found for name in matrices for found in (name, _bias(name, kernel))})
    if len(matrices) != 1 or others or _bias(matrices[0], kernel) not in rest:
        named = ", ".join(sorted(rest)[:6]) or "nothing"
        raise NoForm(f"Beside recurrent layers one dense layer with a bias is read; found {named}.", "file")
    return rest[matrices[0]], rest[_bias(matrices[0], kernel)]


def _bias(name: str, kernel: str) -> str:
    return name.removesuffix(kernel) + "bias"
