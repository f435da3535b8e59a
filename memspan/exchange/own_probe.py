"""``memspan.probe``: a probe of whatever answers, on arrays, without a service.

memspan.probe(model, X, y, kind="context")
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from memspan.exchange.given_task import Given
from memspan.exchange.no_form import NoForm
from memspan.exchange.onnx_admission import Wish, admitted
from memspan.exchange.onnx_model import Answer, Scaling
from memspan.exchange.onnx_runner import settled
from memspan.interfaces.batch import IGNORED, Batch
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.probe import ProbeSpec
from memspan.interfaces.readings import Reading
from memspan.interfaces.signature import Problem, Signature
from memspan.probes import measure
from memspan.probes import probe as probes

Model: TypeAlias = Callable[[Any], Any] | torch.nn.Module | str | Path | Any
GRADIENT = ("input_gradient", "integrated_gradients")
"""probes that need no more than an answer that can be differentiated"""
FEWEST = 20
"""sequences, below which nothing can be said"""
SHOWN = 100
"""sequences by which it is found out what a model's outputs are"""


def probe(
    model: Model,
    X: Any,  # noqa: N803 - what everybody calls it
    y: Any,
    kind: str = "context",
    *,
    answer: Answer | None = None,
    tokens: int = 0,
    seed: int = 0,
    **settings: Any,
) -> Reading:
    """Ask a model of your own how far back it looks.

    Args:
        model: a torch module; a function of an array (B, T, C), or (B, T) if X is; an estimator with ``predict``, and
            ``predict_proba`` for classes, which is shown (B, T C); or the path of an ONNX file.
        X: sequences (B, T, C) or (B, T), as numpy or torch.
        y: class numbers from 0, (B,) or (B, T), or values (B,), (B, K) or (B, T, K).
        kind: of the probe; ``GET /probe-kinds`` and the README list them.
        answer: what the model says of classes, logits or probabilities; found out, if left out.
        tokens: > 0 where X shows whole numbers below it.
        settings: fields of the probe, such as ``epsilon``.

    Returns:
        a curve, a surface or scalars, each with its interval; ``document()`` gives it as plain data.

    Raises:
        ValueError: shapes do not fit, or the probe can't be asked of such a model; the sentence says what would do.
    """
    inputs, targets = _inputs(X, tokens), _targets(y)
    if len(inputs) != len(targets) or len(inputs) < FEWEST:
        raise ValueError(f"X holds {len(inputs)} sequences and y {len(targets)} answers; at least {FEWEST} of both.")
    asked, two = _asked(model, np.ndim(X) == 2), inputs[:2]
    outputs = 1 if isinstance(model, (str, Path)) else _outputs(asked(two))
    task = Given.of(Batch(inputs, targets), _answers(targets, outputs), tokens)
    signature = task.signature(inputs.shape[1])
    spec = _spec(kind, settings, len(inputs))
    _check(spec, task, signature, model)
    predictor = _predictor(model, asked, signature, inputs, answer)
    rng = torch.Generator().manual_seed(seed)
    return measure(spec, predictor, task, signature.length, rng)


def _inputs(given: Any, tokens: int) -> Tensor:
    """(B, T, C) float32."""
    found = torch.as_tensor(np.asarray(given) if not isinstance(given, Tensor) else given).detach().cpu().float()
    if found.ndim == 2:
        found = found.unsqueeze(-1)
    if found.ndim != 3 or not found.numel():
        raise ValueError(f"X must hold sequences (B, T, C) or (B, T); given the shape {tuple(found.shape)}.")
    if not found.isfinite().all():
        raise ValueError("X must hold finite numbers.")
    if tokens and ((found < 0) | (found >= tokens) | (found != found.floor())).any():
        raise ValueError(f"X must hold tokens, whole numbers from 0 to {tokens - 1}.")
    return found.contiguous()


def _targets(given: Any) -> Tensor:
    """Class numbers, or values with an axis of outputs."""
    array = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given)
    if array.dtype.kind not in "iufb":
        raise ValueError("y must hold class numbers or values; number your classes from 0.")
    if array.dtype.kind in "iub":
        wrong = array[(array < 0) & (array != IGNORED)]
        if wrong.size:
            given = f"class numbers from 0; given {wrong.min()}. If they are values, give y.astype(float)."
            raise ValueError(f"y must hold {given}")
        return torch.as_tensor(array.astype(np.int64))
    found = torch.as_tensor(array.astype(np.float32))
    if not found.isfinite().all():
        raise ValueError("y must hold finite numbers.")
    return found.unsqueeze(-1) if found.ndim == 1 else found


def _answers(targets: Tensor, outputs: int) -> int:
    """Classes, or values of an answer."""
    return targets.shape[-1] if targets.is_floating_point() else max(int(targets.max()) + 1, outputs, 2)


def _outputs(found: Tensor) -> int:
    return 1 if found.ndim == 1 else found.shape[-1]


def _asked(model: Model, flat: bool) -> Callable[[Tensor], Tensor]:
    """What a model puts out for (B, T, C), whatever it is."""
    if isinstance(model, torch.nn.Module):
        return _of_module(model, flat)
    estimator = getattr(model, "predict_proba", None) or getattr(model, "predict", None)
    if estimator is not None:
        return lambda inputs: _tensor(estimator(inputs.flatten(1).numpy()))
    if callable(model):
        return lambda inputs: _tensor(model(inputs.squeeze(-1).numpy() if flat else inputs.numpy()))
    if isinstance(model, (str, Path)):
        return _never
    raise ValueError("model must be a torch module, a function, an estimator with predict or the path of an ONNX file.")


def _never(inputs: Tensor) -> Tensor:
    raise AssertionError("an ONNX file is asked by its runner")


def _of_module(module: torch.nn.Module, flat: bool) -> Callable[[Tensor], Tensor]:
    first = next(module.parameters(), None)

    def answer(inputs: Tensor) -> Tensor:
        training = module.training
        module.eval()
        try:
            shown = inputs.squeeze(-1) if flat else inputs
            found = module(shown if first is None else shown.to(first.device, first.dtype))
        finally:
            module.train(training)
        return _tensor(found[0] if isinstance(found, tuple) else found)

    return answer


def _tensor(found: Any) -> Tensor:
    tensor: Tensor = found if isinstance(found, Tensor) else torch.as_tensor(np.asarray(found))
    return tensor.float().cpu()


def _spec(kind: str, settings: dict[str, Any], most: int) -> ProbeSpec:
    """The probe, asked about no more sequences than were given."""
    family = probes.spec(kind)
    fields = family.model_fields
    if "sequences" in fields:
        wanted = settings.get("sequences", fields["sequences"].default)
        settings = {**settings, "sequences": min(wanted, most)}
    return family.model_validate({"kind": kind, **settings})


def _check(spec: ProbeSpec, task: Given, signature: Signature, model: Model) -> None:
    differentiable = isinstance(model, torch.nn.Module) and spec.kind in GRADIENT
    if spec.looks_inside and not differentiable:
        raise ValueError(
            f"The probe {spec.kind} looks inside a model, and of this one there are only answers: ask change, "
            "blinding, occlusion or context, and of a torch module input_gradient or integrated_gradients."
        )
    objection = spec.refusal(task, signature.length)
    if misplaced := spec.misplaced(signature.length):
        objection = f"{', '.join(misplaced)} must lie inside the {signature.length} steps of X."
    if objection:
        raise ValueError(objection)


def _predictor(
    model: Model, asked: Callable[[Tensor], Tensor], signature: Signature, inputs: Tensor, answer: Answer | None
) -> Predictor:
    if isinstance(model, (str, Path)):
        data = Path(model).read_bytes()
        try:
            found = admitted(data, Wish(answer=answer), signature, inputs[:SHOWN].contiguous())
        except NoForm as reason:
            raise ValueError(str(reason)) from None
        return found.predictor([data], signature)
    with torch.no_grad():
        shown = asked(inputs[:SHOWN])
    kind = _kind(shown, signature, answer)
    return Predictor(1, lambda x: settled(asked(x), kind, Scaling(), signature).to(x.device).unsqueeze(0))


def _kind(shown: Tensor, signature: Signature, answer: Answer | None) -> Answer:
    """What a model's outputs are; those that fit nothing are refused."""
    outputs = _outputs(shown)
    if signature.problem is Problem.REGRESSION:
        if outputs != signature.outputs:
            raise ValueError(f"The model answers with {outputs} numbers, y has {signature.outputs}.")
        return "values"
    if outputs == 1 and (answer is None or signature.outputs != 2):
        raise ValueError(
            "The model gives one number, and y holds whole numbers, which are taken for classes. If they are values, "
            "give them as y.astype(float); of two classes say whether answer is 'logits' or 'probabilities'; an "
            "estimator needs predict_proba."
        )
    if outputs not in (1, signature.outputs):
        raise ValueError(
            f"The model tells {outputs} classes apart, y has {signature.outputs}: its greatest number and one more, as "
            "classes count from 0."
        )
    shares: Literal["probabilities", "logits"] = (
        "probabilities" if bool((shown >= 0).all() and ((shown.sum(-1) - 1).abs() < 1e-3).all()) else "logits"
    )
    return answer or shares
