"""Admission: an ONNX file is believed once it was run. What it says of itself can't be trusted.

Source:
    Exporters measured: some name a free axis that works for one length only, some give other numbers than the model
    did. So two batches and two lengths are tried, and an example of inputs and outputs settles the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from memspan.confinement import Bounds, Confined, ConfinementError, Refused
from memspan.exchange.no_form import NoForm
from memspan.exchange.onnx_model import Answer, Layout, OnnxModel, Scaling, StartState
from memspan.exchange.onnx_runner import WORK, asked, scaled, settled
from memspan.interfaces.signature import Problem, Signature

BOUNDS = Bounds(seconds=30, processor_seconds=25)
LONGER = 7
"""steps by which the second length exceeds the first"""
TOLERANCE = 1e-4
"""by which an example's outputs may differ, relative to the largest"""
AS_IT_IS = Scaling()
NUMBERS = ("float", "double", "float16", "int64", "int32")


@dataclass(frozen=True)
class Wish:
    """What the owner of a file says about it; None: find out."""

    input: str | None = None
    output: str | None = None
    layout: Layout | None = None
    answer: Answer | None = None
    inputs: Scaling = AS_IT_IS
    outputs: Scaling = AS_IT_IS
    example: tuple[Tensor, Tensor] | None = None


def admitted(data: bytes, wish: Wish, signature: Signature, samples: Tensor, bounds: Bounds = BOUNDS) -> OnnxModel:
    """What was found out about a model by running it on sequences of its task.

    Args:
        samples: (B, T, C), some sequences of the task.

    Raises:
        NoForm: it can't be run, or does something else than the task asks; ``place`` names the option that matters.
    """
    try:
        with Confined(WORK, bounds) as child:
            told = child.ask({"do": "inspect"}, data).document
            return _Admission(child, told, wish, signature, samples).model()
    except Refused as reason:
        raise NoForm(str(reason), reason.place or "file") from None
    except ConfinementError as reason:
        raise NoForm(f"The model could not be tried. {reason}", "file") from None


class _Admission:
    def __init__(
        self, child: Confined, told: Mapping[str, Any], wish: Wish, signature: Signature, samples: Tensor
    ) -> None:
        self._child, self._told, self._wish, self._signature = child, told, wish, signature
        self._samples = scaled(samples, wish.inputs)
        self._found: list[str] = []

    def model(self) -> OnnxModel:
        shown = _named(self._told["inputs"], self._wish.input, "input")
        output = self._output()
        if shown["type"] not in NUMBERS:
            raise NoForm(f"The input {shown['name']!r} is {shown['type']}; numbers are shown.", "input")
        first = OnnxModel(
            input=shown["name"],
            output=output["name"],
            type=shown["type"],
            states=self._states(shown["name"]),
            inputs=self._wish.inputs,
            outputs=self._wish.outputs,
            parameters=self._told["parameters"],
            nodes=self._told["nodes"],
        )
        model = self._tried(first, self._layouts(shown))
        model = self._with_length(model, shown)
        model = self._with_answer(model)
        verified = self._verified(model)
        if not verified:
            self._found.append("unverified: no example of inputs and outputs was given")
        return model.model_copy(update={"verified": verified, "found": tuple(self._found)})

    def _output(self) -> dict[str, Any]:
        """The output that answers: the one that was named, else the first of numbers that are no labels."""
        if self._wish.output is not None:
            return _named(self._told["outputs"], self._wish.output, "output")
        numbers = [each for each in self._told["outputs"] if each["type"] in ("float", "double", "float16")]
        if not numbers:
            given = ", ".join(f"{each['name']} ({each['type']})" for each in self._told["outputs"])
            raise NoForm(
                f"No output of the model holds numbers: {given[:200]}. A classifier of scikit-learn is exported with "
                "options={'zipmap': False}.",
                "output",
            )
        if len(self._told["outputs"]) > 1:
            self._found.append(f"output: {numbers[0]['name']}")
        return dict(numbers[0])

    def _states(self, shown: str) -> tuple[StartState, ...]:
        """Further inputs: states (layers x directions, B, H), which start at 0."""
        states = []
        for each in self._told["inputs"]:
            if each["name"] == shown:
                continue
            shape = each["shape"]
            if len(shape) != 3 or each["type"] != "float" or not all(isinstance(shape[at], int) for at in (0, 2)):
                raise NoForm(
                    f"The model also wants {each['name']!r}, {each['type']} of the shape {shape}, and only states "
                    "(layers, B, units) are fed, with zeros.",
                    "input",
                )
            states.append(StartState(name=each["name"], shape=(shape[0], None, shape[2])))
            self._found.append(f"state {each['name']}: starts at 0")
        return tuple(states)

    def _layouts(self, shown: Mapping[str, Any]) -> Sequence[Layout]:
        """The layouts that the shape allows, likeliest first."""
        shape, channels, steps = shown["shape"], self._signature.channels, self._signature.length
        if self._wish.layout is not None:
            return (self._wish.layout,)
        if len(shape) == 3:
            if isinstance(shape[2], int) and shape[2] != channels:
                raise NoForm(
                    f"The input {shown['name']!r} takes {shape[2]} channels (axis 2 of {shape}), and the task shows "
                    f"{channels}.",
                    "task",
                )
            return ("BTC", "TBC")
        if len(shape) == 2:
            return ("flat",) if shape[1] == steps * channels and channels > 1 else ("BT",)
        raise NoForm(
            f"The input {shown['name']!r} has the shape {shape}; (B, T, C), (T, B, C), (B, T) and (B, T C) are read.",
            "input",
        )

    def _tried(self, model: OnnxModel, layouts: Sequence[Layout]) -> OnnxModel:
        """The model with the first layout in which it answers each sequence by itself."""
        shape = _named(self._told["inputs"], model.input, "input")["shape"]
        errors: list[NoForm] = []
        for layout in layouts:
            batch = shape[1 if layout == "TBC" else 0]
            steps = shape[{"BTC": 1, "TBC": 0, "BT": 1}.get(layout, 0)] if layout != "flat" else None
            if isinstance(steps, int) and steps != self._signature.length:
                message = f"The model takes {steps} steps, and the task shows {self._signature.length}."
                errors.append(NoForm(message, "length"))
                continue
            trial = model.model_copy(update={"layout": layout, "batch": batch if isinstance(batch, int) else None})
            try:
                self._check(trial)
            except Refused as reason:
                errors.append(NoForm(str(reason), "layout"))
            except NoForm as reason:
                errors.append(reason)
            else:
                if len(layouts) > 1:
                    self._found.append(f"layout: {layout}")
                return trial
        raise errors[0]

    def _check(self, model: OnnxModel) -> None:
        """Two rows, one of them alone, and the same again: finite, equal, of the task's shape."""
        two = self._samples[:2]
        found = asked(self._child, model, two)
        self._check_shape(found, model)
        if not found.isfinite().all():
            raise NoForm("The model answers ordinary sequences of the task with numbers that are not finite.", "file")
        if not torch.equal(found, asked(self._child, model, two)):
            raise NoForm("The model answers the same sequences differently each time; export it for inference.", "file")
        alone = asked(self._child, model, two[:1].contiguous())
        if not torch.allclose(alone[0], found[0], atol=TOLERANCE, rtol=TOLERANCE):
            raise NoForm(
                f"In the layout {model.layout} a sequence is answered differently alone and beside another; the axes "
                "may be in another order.",
                "layout",
            )

    def _check_shape(self, found: Tensor, model: OnnxModel) -> None:
        signature, shape = self._signature, list(found.shape)
        steps = self._samples.shape[1]
        outputs = 1 if found.ndim == 1 else shape[-1]
        fits = outputs == signature.outputs or (
            outputs == 1 and signature.outputs == 2 and signature.problem is Problem.CLASSIFICATION
        )
        every = found.ndim == 3 and shape[1] == steps
        if not fits or not (every if signature.several else found.ndim < 3 or every):
            wanted = ["B", *(["T"] if signature.several else []), signature.outputs]
            raise NoForm(
                f"The output {model.output!r} has the shape {shape} for 2 sequences of {steps} steps; the task wants "
                f"({', '.join(map(str, wanted))}).",
                "output",
            )

    def _with_length(self, model: OnnxModel, shown: Mapping[str, Any]) -> OnnxModel:
        """Whether the model takes another length: tried, as names of axes can't be trusted."""
        steps = self._signature.length
        at = {"BTC": 1, "TBC": 0, "BT": 1}.get(model.layout)
        fixed = at is None or isinstance(shown["shape"][at], int)
        if not fixed:
            longer = torch.cat([self._samples, self._samples[:, :LONGER]], dim=1)[:2, : steps + LONGER]
            try:
                found = asked(self._child, model, longer.contiguous())
                fixed = not bool(found.isfinite().all())
            except Refused:
                fixed = True
        self._found.append(f"steps: {steps} alone" if fixed else "steps: any number")
        return model.model_copy(update={"steps": steps if fixed else None})

    def _with_answer(self, model: OnnxModel) -> OnnxModel:
        """Whether classes come as probabilities: rows of shares that sum to 1, on all samples."""
        if self._signature.problem is Problem.REGRESSION:
            if self._wish.answer not in (None, "values"):
                raise NoForm(f"The task asks for values, and answer is {self._wish.answer}.", "answer")
            return model
        if self._wish.answer == "values":
            raise NoForm("The task asks for a class: answer must be logits or probabilities.", "answer")
        found = asked(self._child, model, self._samples.contiguous())
        if self._wish.answer is None and (found.ndim < 2 or found.shape[-1] == 1):
            message = "The model gives one number for two classes: say whether answer is logits or probabilities."
            raise NoForm(message, "answer")
        shares = bool((found >= 0).all() and ((found.sum(-1) - 1).abs() < 1e-3).all())
        if self._wish.answer == "probabilities" and found.shape[-1] > 1 and not shares:
            raise NoForm("The outputs are no probabilities: they are negative, or do not sum to 1.", "answer")
        answer: Answer = self._wish.answer or ("probabilities" if shares else "logits")
        self._found.append(f"answer: {answer}")
        return model.model_copy(update={"answer": answer})

    def _verified(self, model: OnnxModel) -> bool:
        """Whether an example was given, and its outputs are the model's, as they come or as the task's answers."""
        if self._wish.example is None:
            return False
        inputs, outputs = self._wish.example
        found = asked(self._child, model, scaled(inputs, self._wish.inputs).contiguous())
        shown = [found, settled(found, model.answer, model.outputs, self._signature)]
        near = [each for each in shown if each.numel() == outputs.numel()]
        apart = min((float((each.reshape(outputs.shape) - outputs).abs().max()) for each in near), default=None)
        if apart is None:
            message = f"The example's outputs have the shape {list(outputs.shape)}, the model's {list(found.shape)}."
            raise NoForm(message, "example/outputs")
        if not apart <= TOLERANCE * max(1.0, float(outputs.abs().max())):
            raise NoForm(
                f"The model does not answer what the example says: they differ by {apart:.3g}. Exporters can be wrong; "
                "compare the exported file with your model.",
                "example/outputs",
            )
        return True


def _named(all_of_them: Sequence[Mapping[str, Any]], name: str | None, place: str) -> dict[str, Any]:
    """The input or output of a name, else the first."""
    names = [each["name"] for each in all_of_them]
    if name is not None and name not in names:
        raise NoForm(f"The model has no {place} {name!r}; it has {', '.join(names)[:200]}.", place)
    return dict(all_of_them[names.index(name) if name is not None else 0])
