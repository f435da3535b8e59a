"""Exporting: a checkpoint's model in the forms of other frameworks. Made when it is asked for, to the same bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from memspan.exchange.layouts import Layout, Origin, exported
from memspan.exchange.no_form import NoForm
from memspan.exchange.onnx_graph import graph
from memspan.exchange.onnx_model import OnnxModel
from memspan.experiment.checkpoint import unpacked
from service.errors import Conflict, FieldError, Unprocessable
from service.operations import ids
from service.operations.checkpoints import loaded
from service.operations.context import Context
from service.operations.specs import condition_of
from service.storage.checkpoints import CheckpointRecord


@dataclass(frozen=True)
class File:
    """A file that was made just now."""

    data: bytes

    @cached_property
    def sha256(self) -> str:
        return sha256(self.data).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of it."""
        return len(self.data)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes ``start .. stop``."""
        yield self.data[start:stop]


def weights(context: Context, key: int, layout: Layout) -> File:
    """The weights of a checkpoint in a layout.

    Raises:
        NotFound, WeightsDamaged: as for the stored ones.
        Unprocessable: the framework has no such model.
    """
    row, data = loaded(context, key)
    if isinstance(condition_of(row).model, OnnxModel):
        message = "The model came in as ONNX, which keeps its weights in the graph: see /onnx."
        raise Unprocessable(message, errors=[FieldError("?layout", "no_form", message, layout)])
    try:
        return File(exported(condition_of(row), data, layout, _origin(row)).data)
    except NoForm as reason:
        raise Unprocessable(str(reason), errors=[FieldError("?layout", "no_form", str(reason), layout)]) from None


def onnx(context: Context, key: int) -> File:
    """A checkpoint's model as an ONNX file.

    Raises:
        NotFound, WeightsDamaged: as for the stored weights.
        Conflict: the model has no operators in ONNX.
    """
    row, data = loaded(context, key)
    if isinstance(condition_of(row).model, OnnxModel):
        return File(bytes(data))
    try:
        return File(graph(condition_of(row), unpacked(data), _origin(row)))
    except NoForm as reason:
        raise Conflict(str(reason)) from None


def _origin(row: CheckpointRecord) -> Origin:
    return Origin(ids.public(ids.CHECKPOINT, row.key), row.sha256, row.seed)
