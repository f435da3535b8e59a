"""Weights that come in: a safetensors file in a known layout becomes one of Memspan's own models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from memspan.exchange import keras_layout, torch_layout
from memspan.exchange.foreign import Foreign, kind_of
from memspan.exchange.layouts import LAYOUTS
from memspan.exchange.no_form import NoForm
from memspan.experiment.checkpoint import packed
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.signature import Signature
from memspan.interfaces.tensor_file import NoTensorFile, TensorFile, read
from memspan.models import AnyModel, build

MODEL: TypeAdapter[ModelSpec] = TypeAdapter(AnyModel)
NAMED = 5
"""weights that a sentence names"""


@dataclass(frozen=True)
class WeightFile:
    """A file of weights as it was understood, before anybody says what task it is for.

    Attributes:
        told: the file's metadata; that of Memspan's own exports names model, task and length.
    """

    layout: str
    model: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    told: Mapping[str, str]

    def told_of(self, name: str) -> Any:
        """What the metadata says, as JSON; None where they say nothing."""
        try:
            return json.loads(self.told[name])
        except (KeyError, ValueError):
            return None


def understood(data: bytes, asked: Mapping[str, Any] | None) -> WeightFile:
    """Which layout a file has, and which model it holds.

    Args:
        asked: fields of the model that its owner has set: what weights can't tell, such as an activation.

    Raises:
        NoForm: it is no such file, or holds something else than recurrent layers of one kind.
    """
    try:
        tensors, told = read(data)
    except NoTensorFile:
        raise NoForm("The file is not in the safetensors format with numbers of 32 or 64 bits.", "file") from None
    if not tensors:
        raise NoForm("The file holds no weights.", "file")
    for name, each in tensors.items():
        if not each.is_floating_point() or not each.isfinite().all():
            raise NoForm(f"The weights {name[:60]!r} are no finite numbers.", "file")
    numbers = {name: each.float() for name, each in tensors.items()}
    layout = _layout(numbers, told)
    foreign = _foreign(numbers, layout)
    told_model = WeightFile(layout, {}, {}, told).told_of("model")
    found = foreign.spec if foreign is not None else {}
    model = {**found, **(told_model if isinstance(told_model, dict) else {}), **(asked or {})}
    if asked is not None and found and asked.get("kind", found["kind"]) != found["kind"]:
        raise NoForm(f"The file holds a model of the kind {found['kind']}, not {asked['kind']}.", "model/kind")
    if "kind" not in model:
        raise NoForm("The file does not tell its model: say which it is, with all of its fields.", "model")
    return WeightFile(layout, model, foreign.weights if foreign is not None else numbers, told)


def _layout(tensors: Mapping[str, Tensor], told: Mapping[str, str]) -> str:
    if told.get("layout") in LAYOUTS:
        return told["layout"]
    if torch_layout.fits(tensors):
        return "torch"
    return "keras" if keras_layout.fits(tensors) else "memspan"


def _foreign(tensors: Mapping[str, Tensor], layout: str) -> Foreign | None:
    """The weights by Memspan's names, and the spec that their shapes tell; None where they tell none."""
    if layout == "torch":
        return torch_layout.read(tensors)
    if layout == "keras":
        return keras_layout.read(tensors)
    levels = {name.split(".")[0] for name in tensors if name.endswith(".recurrent")}
    if not levels:
        return None
    try:
        kind = kind_of(tensors)
    except NoForm:
        return None
    torch_like = kind != "gru" and "layer0.recurrent_bias" in tensors
    return Foreign(kind, {"initialization": "torch"} if torch_like else {}, tensors, len(levels))


def fitted(file: WeightFile, signature: Signature) -> tuple[ModelSpec, TensorFile]:
    """The model of a file for a task, and its weights as Memspan stores them.

    Raises:
        NoForm: fields of the model are wrong, or its weights are not the task's; ``place`` names which.
    """
    try:
        model = MODEL.validate_json(json.dumps(dict(file.model)), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "/".join(["model", *map(str, first["loc"][1:] or first["loc"])])
        raise NoForm(f"{place}: {first['msg']}.", place) from None
    objection = model.objection(signature)
    if objection:
        raise NoForm(objection, "model")
    shapes = {name: weight.shape for name, weight in build(model, signature).weights.items()}
    weights = {name: each for name, each in file.weights.items() if name in shapes or each.count_nonzero()}
    wrong = [name for name in shapes if name not in weights or tuple(weights[name].shape) != tuple(shapes[name])]
    extra = sorted(weights.keys() - shapes.keys())
    if wrong or extra:
        said = [f"{name} is {_shape(weights.get(name))}, not {tuple(shapes[name])}" for name in wrong]
        said += [f"{name} belongs to no part of it" for name in extra]
        more = f", and {len(said) - NAMED} more" if len(said) > NAMED else ""
        raise NoForm(
            f"The weights do not fit a {model.kind} for this task ({signature.channels} channels in, "
            f"{signature.outputs} out): {'; '.join(said[:NAMED])}{more}.",
            "file",
        )
    return model, packed({name: torch.Tensor(weights[name]) for name in shapes})


def _shape(found: Tensor | None) -> str:
    return "missing" if found is None else str(tuple(found.shape))
