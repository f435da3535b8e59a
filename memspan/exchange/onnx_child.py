"""What runs ONNX models, in a confined child: it reads the graph, refuses what it must not hold, and answers.

Imports neither torch nor anything else of Memspan's science: the child starts in a fifth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime

from memspan.confinement.child import Work
from memspan.confinement.errors import Refused
from memspan.confinement.frame import Frame

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
MOST_NODES = 20_000
WEIGHTS = (1, 10, 11)
"""ONNX's numbers of float32, float16 and float64: others are shapes and axes"""
STEPS_AT_ONCE, FEWEST_ROWS = 2048, 8
"""steps of sequences that are run together: onnxruntime lays out the gates of all of them at once, and beyond the
caches of a processor an LSTM of 64 units takes four times as long"""
TYPES = {
    "tensor(float)": "float",
    "tensor(double)": "double",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
}
NUMPY = {"float": np.float32, "double": np.float64, "float16": np.float16, "int64": np.int64, "int32": np.int32}


def begin() -> Work:
    """A runner without a model; the first question brings it."""
    return _Runner().answer


class _Runner:
    def __init__(self) -> None:
        self._session: Any = None

    def answer(self, question: Frame) -> Frame:
        match question.document["do"]:
            case "inspect":
                return Frame(self._inspected(bytes(question.payload)))
            case "load":
                self._load(bytes(question.payload))
                return Frame({})
            case _:
                return self._run(question.document, question.payload)

    def _inspected(self, data: bytes) -> dict[str, Any]:
        """What a file holds, once all that is refused has been looked for; it is loaded, too."""
        counted = _counted(data)
        self._load(data)
        return {
            **counted,
            "inputs": [_described(each) for each in self._session.get_inputs()],
            "outputs": [_described(each) for each in self._session.get_outputs()],
        }

    def _load(self, data: bytes) -> None:
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.enable_cpu_mem_arena = False
        settings.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(data, settings, providers=["CPUExecutionProvider"])
        except Exception as error:
            _raise(error, "onnxruntime does not take the model")

    def _run(self, document: dict[str, Any], payload: Any) -> Frame:
        shown = np.frombuffer(payload, np.float32).reshape(document["shape"])  # (B, T, C)
        model = document["model"]
        try:
            parts = [self._asked(part, model) for part in _parts(shown, model["batch"])]
        except Exception as error:
            _raise(error, "The model can't answer")
        answers = np.concatenate(parts)[: len(shown)]
        return Frame({"shape": list(answers.shape)}, np.ascontiguousarray(answers).tobytes())

    def _asked(self, shown: np.ndarray, model: dict[str, Any]) -> np.ndarray:
        """The named output as float32 with the batch in front."""
        feeds = {model["input"]: _laid_out(shown, model["layout"]).astype(NUMPY[model["type"]])}
        for state in model["states"]:
            feeds[state["name"]] = np.zeros([len(shown) if n is None else n for n in state["shape"]], np.float32)
        found = np.asarray(self._session.run([model["output"]], feeds)[0])
        if model["layout"] == "TBC" and found.ndim == 3:
            found = found.swapaxes(0, 1)
        if not found.ndim or len(found) != len(shown):
            raise ValueError(f"{len(shown)} sequences get answers of the shape {found.shape}")
        return found.astype(np.float32)


def _parts(shown: np.ndarray, batch: int | None) -> Iterator[np.ndarray]:
    """Sequences by as many as are run together; where the graph fixes the number the last ones are filled up."""
    size = batch or max(FEWEST_ROWS, STEPS_AT_ONCE // shown.shape[1])
    for first in range(0, len(shown), size):
        part = shown[first : first + size]
        missing = (batch or 0) - len(part)
        yield np.concatenate([part, np.repeat(part[-1:], missing, 0)]) if missing > 0 else part


def _laid_out(shown: np.ndarray, layout: str) -> np.ndarray:
    match layout:
        case "BTC":
            return shown
        case "TBC":
            return np.ascontiguousarray(shown.swapaxes(0, 1))
        case _:
            return shown.reshape(len(shown), -1)


def _described(each: Any) -> dict[str, Any]:
    return {"name": each.name, "shape": list(each.shape), "type": TYPES.get(each.type, each.type)}


def _counted(data: bytes) -> dict[str, Any]:
    """Nodes and parameters of a graph, after all that is refused by looking at it."""
    import onnx

    try:
        model = onnx.load_from_string(data)
    except Exception as error:
        _raise(error, "The file is no ONNX model")
    if not model.ir_version or not model.graph.node:
        raise Refused("The file is no ONNX model: it has no graph.")
    domains = {each.domain for each in (*model.opset_import, *model.functions)}
    parameters = nodes = 0
    for graph in _graphs(model, onnx):
        nodes += len(graph.node)
        if nodes > MOST_NODES:
            raise Refused(f"The graph has more than {MOST_NODES} nodes.")
        domains |= {node.domain for node in graph.node}
        for tensor in _tensors(graph, onnx):
            if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
                raise Refused(
                    f"The tensor {tensor.name[:60]!r} lies in another file (external data), and only what is in the "
                    "file itself is read. Save the model as one file."
                )
            if tensor.data_type in WEIGHTS:
                parameters += int(np.prod(tensor.dims, dtype=np.float64))
    if strange := sorted(domains - set(DOMAINS)):
        raise Refused(f"The graph uses operators of {strange[0][:60]!r}; only those of ONNX itself are run.")
    return {"nodes": nodes, "parameters": parameters}


def _graphs(model: Any, onnx: Any) -> Iterator[Any]:
    """The graph, those inside its nodes, and those of its functions."""
    waiting = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for each in node.attribute:
                if each.type == onnx.AttributeProto.GRAPH:
                    waiting.append(each.g)
                elif each.type == onnx.AttributeProto.GRAPHS:
                    waiting.extend(each.graphs)


def _tensors(graph: Any, onnx: Any) -> Iterator[Any]:
    """The constants of a graph, those of its nodes among them."""
    yield from getattr(graph, "initializer", ())
    for sparse in getattr(graph, "sparse_initializer", ()):
        yield sparse.values
        yield sparse.indices
    for node in graph.node:
        for each in node.attribute:
            if each.type == onnx.AttributeProto.TENSOR:
                yield each.t
            elif each.type == onnx.AttributeProto.TENSORS:
                yield from each.tensors


def _raise(error: Exception, what: str) -> None:
    """Tell an error of the libraries in one line; memory that ran out is no refusal."""
    said = " ".join(str(error).split())
    if isinstance(error, MemoryError) or "bad_alloc" in said or "Failed to allocate" in said:
        raise MemoryError from None
    raise Refused(f"{what}: {said[:300]}") from None
