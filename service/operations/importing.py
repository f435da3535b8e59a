"""Importing: a model that was made elsewhere becomes a checkpoint, which predictions, probes and pages take as any."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from memspan.attribution.sequence_metrics import metrics_of
from memspan.confinement import ConfinementError
from memspan.datasets.unavailable import DatasetUnavailable
from memspan.engine.condition import Condition
from memspan.engine.seeds import stream
from memspan.exchange.imported_spec import OnnxSpec
from memspan.exchange.no_form import NoForm
from memspan.exchange.onnx_admission import Wish, admitted
from memspan.exchange.onnx_model import OnnxModel
from memspan.exchange.read_weights import WeightFile, fitted, understood
from memspan.experiment.checkpoint import predictor
from memspan.experiment.flaw import Flaw
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.batch import Batch
from memspan.interfaces.json_numbers import jsonable
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.task import TaskSpec
from memspan.interfaces.tensor_file import TensorFile
from memspan.tasks import sample
from memspan.tasks import task as tasks
from service.errors import FieldError, Unprocessable
from service.operations import audit, checkpoints, ids, quotas, room, task_data
from service.operations.action import Action
from service.operations.caller import ANYBODY, Caller
from service.operations.context import Context
from service.operations.import_options import ImportOptions
from service.operations.quotas import Demand
from service.operations.specs import UNLIMITED
from service.operations.submission import words
from service.operations.uploads import drop, uploaded
from service.storage import imports
from service.storage.checkpoints import CheckpointRecord
from service.storage.imports import NewImport
from service.storage.states import RunState

SAMPLES = 100
"""sequences by which it is found out what an output means"""
SCORED = 1_000
"""sequences that a model is scored on when it comes in"""
SAFETENSORS = b"{"
"""at byte 8 of such a file, behind the length of its header"""


@dataclass(frozen=True)
class Understood:
    """A model as it is stored: its spec and its file."""

    spec: ExperimentSpec
    condition: Condition
    file: TensorFile


def add(context: Context, data: bytes, options: ImportOptions, caller: Caller = ANYBODY) -> CheckpointRecord:
    """Store a model of somebody's own; its checkpoint.

    Raises:
        Unprocessable: it can't be read, run, or does something else than its task asks. Nothing is stored.
        QuotaExceeded, NoRoom.
    """
    try:
        found = _understood(context, data, options)
        metrics = _scored(found)
    except DatasetUnavailable as reason:
        raise Unprocessable(str(reason), errors=[FieldError("#/task", "data_unavailable", str(reason))]) from None
    except (NoForm, ConfinementError) as reason:
        place = f"#/{getattr(reason, 'place', None) or 'file'}"
        raise Unprocessable(str(reason), errors=[FieldError(place, "not_importable", str(reason))]) from None
    content = uploaded(context, {0: found.file})[0]
    try:
        with context.database.writing() as connection:
            room.require(context)
            quotas.take(connection, caller, Demand(stored_bytes=found.file.size))
            new = NewImport(
                name=found.spec.name,
                spec=found.spec.model_dump(mode="json"),
                kinds=words(found.spec),
                seed=found.spec.seed,
                metrics=metrics,
                counts=_counts(),
                weights=content,
                owner=caller.name,
                request_id=caller.request_id or None,
            )
            key = imports.add(connection, new)
            audit.note(connection, caller, Action.IMPORT_CHECKPOINT, ids.public(ids.CHECKPOINT, key), 201)
    finally:
        drop(context, [content])
    return checkpoints.look(context, key)


def _understood(context: Context, data: bytes, options: ImportOptions) -> Understood:
    if not data:
        raise NoForm("The file is empty.", "file")
    form = options.format or ("safetensors" if data[8:9] == SAFETENSORS else "onnx")
    return (_weights if form == "safetensors" else _onnx)(context, data, options)


def _weights(context: Context, data: bytes, options: ImportOptions) -> Understood:
    asked = None if options.model is None else options.model.model_dump(mode="json", exclude_unset=True)
    if options.model is not None and asked is not None:
        asked["kind"] = options.model.kind
    file = understood(data, asked)
    task, length = _task(context, options, file)
    model, stored = fitted(file, task.signature(task.minimum_length if length is None else length))
    return _made(ExperimentSpec, task, model, length, options, stored)


def _onnx(context: Context, data: bytes, options: ImportOptions) -> Understood:
    if options.model is not None:
        raise NoForm("model is for safetensors; an ONNX file holds its own.", "model")
    task, length = _task(context, options, None)
    extent = task.minimum_length if length is None else length
    signature = task.signature(extent)
    rng = torch.Generator().manual_seed(options.seed)
    samples = sample(task, extent, SAMPLES, rng).inputs.float().contiguous()
    wish = Wish(
        options.input,
        options.output,
        options.layout,
        options.answer,
        options.inputs,
        options.outputs,
        _example(options, signature.channels),
    )
    model = admitted(data, wish, signature, samples)
    return _made(OnnxSpec, task, model, length, options, TensorFile((data,)))


def _example(options: ImportOptions, channels: int) -> tuple[Tensor, Tensor] | None:
    if options.example is None:
        return None
    found = []
    for name in ("inputs", "outputs"):
        try:
            found.append(torch.tensor(getattr(options.example, name), dtype=torch.float32))
        except (ValueError, TypeError):
            raise NoForm(f"The example's {name} are lists of unequal lengths.", f"example/{name}") from None
    inputs = found[0].unsqueeze(-1) if found[0].ndim == 2 else found[0]
    if inputs.ndim != 3 or inputs.shape[2] != channels:
        raise NoForm(f"The example shows {list(inputs.shape)}, the task (B, T, {channels}).", "example/inputs")
    return inputs, found[1]


def _task(context: Context, options: ImportOptions, file: WeightFile | None) -> tuple[TaskSpec, int | None]:
    """The task that a model is shown, and its length: as asked for, else as an export of Memspan's own tells.

    What is known of a user's data set is looked up here, as for an experiment: nobody else's word is taken for it.
    """
    task, length = options.task, options.length
    if task is None and file is not None and isinstance(told := file.told_of("task"), dict):
        try:
            task = tasks.spec(str(told.get("kind"))).model_validate(told, context={"limits": UNLIMITED})
        except (LookupError, ValueError):
            raise NoForm("The file's own task can't be read; say which it is.", "task") from None
        length = length or file.told_of("length")
    if task is None:
        raise NoForm("Say by task whose sequences the model is shown.", "task")
    if not task.has_length:
        if length is not None and options.length is not None:
            raise NoForm(f"The task {task.kind} has one length; leave length out.", "length")
        return task, None
    if not isinstance(length, int):
        raise NoForm(f"Say by length how many steps the sequences of {task.kind} have.", "length")
    if length < task.minimum_length:
        raise NoForm(f"The task {task.kind} has at least {task.minimum_length} steps; given {length}.", "length")
    settled = task_data.sampled(context, task, length)
    if isinstance(settled, Flaw):
        raise NoForm(settled.message, "/".join(["task", *map(str, settled.path)]))
    return settled, length


def _made(
    kind: type[ExperimentSpec],
    task: TaskSpec,
    model: ModelSpec,
    length: int | None,
    options: ImportOptions,
    file: TensorFile,
) -> Understood:
    """An experiment of one run with the model."""
    form = "ONNX" if isinstance(model, OnnxModel) else model.kind
    spec = kind.model_validate(
        {
            "name": options.name.strip() or f"imported {form} on {task.kind}",
            "tasks": [task.model_dump(mode="json")],
            "models": [model.model_dump(mode="json")],
            "lengths": None if length is None else [length],
            "training": {"epochs": 1},
            "repeats": 1,
            "seed": options.seed,
            "report": {"checkpoint": imports.KIND},
        },
        context={"limits": UNLIMITED},
    )
    condition = Condition(task, model, length, spec.training, spec.seed, imports.KIND)
    return Understood(spec, condition, file)


def _scored(found: Understood) -> dict[str, float | str]:
    """The model's metrics on sequences of its task: what an experiment tests at its end."""
    condition = found.condition
    rng = stream(condition.data_seed, "imported")
    batch: Batch = sample(condition.task, condition.extent, SCORED, rng)
    measured = metrics_of(predictor(condition, [found.file.data]), condition.signature, batch)
    metrics: dict[str, Any] = jsonable({f"test_{name}": float(each.mean()) for name, each in measured.items()})
    return metrics


def _counts() -> dict[str, Any]:
    runs = {"total": 1, **{state.value: int(state is RunState.SUCCEEDED) for state in RunState}}
    return {"runs": runs, "progress": {"completed": 1, "total": 1, "unit": "epochs"}}
