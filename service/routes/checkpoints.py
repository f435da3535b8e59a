"""/checkpoints: stored models, their weights and what they answer."""

import json
from collections.abc import Iterator
from operator import attrgetter
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import TypeAdapter

from memspan.exchange.layouts import Layout
from memspan.interfaces.json_numbers import jsonable
from memspan.interfaces.probe import ProbeSpec
from memspan.probes import AnyProbe
from service.middleware.body import MAX_VALUES, json_body, json_reader, raw_body
from service.middleware.body_schema import documented_body
from service.operations import checkpoints as operations
from service.operations import exporting, ids, importing
from service.operations import probes as probe_operations
from service.operations.checkpoints import Weights
from service.operations.exporting import File
from service.operations.large_inputs import LargeInputs
from service.operations.predictions import Question, predict
from service.routes.dependencies import CheckpointKey, CurrentCaller, CurrentContext
from service.routes.imported_file import ImportedFile, documented_import, imported_file
from service.routes.pooled import pooled, pools_of
from service.routes.probes import PROBE_ANSWERS, probe_answer
from service.routes.ranges import ranged
from service.routes.representation import not_modified
from service.routes.sent_file import LONGEST_QUERY
from service.schemas.checkpoint import Checkpoint, Prediction, PredictionRequest, checkpoint
from service.schemas.probe import Probe
from service.schemas.problem import problems

router = APIRouter(prefix="/checkpoints", tags=["checkpoints"])
small_question = json_reader(PredictionRequest)
AT_ONCE = 20_000
"""numbers of an answer that are written at once, some 400 kB"""
PROBE: TypeAdapter[ProbeSpec] = TypeAdapter(AnyProbe)


@router.post(
    "",
    operation_id="import_checkpoint",
    summary="Bring a model of your own",
    status_code=201,
    response_model=Checkpoint,
    responses=problems(400, 413, 415, 422, 507),
    openapi_extra=documented_import(),
)
async def bring(
    request: Request,
    response: Response,
    context: CurrentContext,
    caller: CurrentCaller,
    brought: Annotated[ImportedFile, Depends(imported_file)],
    options: Annotated[
        str | None, Query(description="JSON, where the body is the file alone", max_length=LONGEST_QUERY)
    ] = None,
) -> dict[str, Any]:
    """A model that was trained elsewhere becomes a checkpoint: predictions, probes, figures and pages work on it.

    Send a form with `file` and `options` (JSON), or the file itself as application/octet-stream with `?options=`. ONNX
    runs in a process of its own with limits; safetensors in the layout of torch (`nn.LSTM`, `nn.GRU`, `nn.RNN` and a
    `nn.Linear`), of Keras or of Memspan become one of Memspan's own models, so that all probes work.
    """
    row = await pools_of(request).imports.run(lambda: importing.add(context, brought.data, brought.options, caller))
    answer = checkpoint(row)
    response.headers["Location"] = answer["links"]["self"]
    return answer


@router.get(
    "/{id}",
    operation_id="get_checkpoint",
    summary="Look at a checkpoint",
    response_model=Checkpoint,
    responses=problems(404),
)
def look(context: CurrentContext, key: CheckpointKey) -> dict[str, Any]:
    """Where stored weights come from, their hash and shapes, and the shape of inputs that the model takes."""
    return checkpoint(operations.look(context, key))


@router.get(
    "/{id}/weights",
    operation_id="get_weights",
    summary="Download weights as safetensors",
    responses={
        200: {"description": "The weights.", "content": {"application/octet-stream": {}}},
        206: {"description": "The part that Range asked for."},
        304: {"description": "The client has them already."},
        **problems(400, 404, 416, 422, 500),
    },
)
def weights(
    request: Request,
    context: CurrentContext,
    key: CheckpointKey,
    layout: Annotated[
        Layout | None,
        Query(description="names and order of another framework, or Memspan's own, with metadata that tells the model"),
    ] = None,
) -> Response:
    """The weights; `ETag` is their sha256, so they never change under it.

    With `layout=torch` a module with an `nn.LSTM` (or `nn.RNN`, `nn.GRU`) called `recurrent` and an `nn.Linear` called
    `readout` loads them as its state.
    """
    stored = operations.weights(context, key) if layout is None else exporting.weights(context, key, layout)
    return _file(request, stored, f"{ids.public(ids.CHECKPOINT, key)}.safetensors")


@router.get(
    "/{id}/onnx",
    operation_id="get_onnx",
    summary="Download a model as ONNX",
    responses={
        200: {"description": "The model.", "content": {"application/octet-stream": {}}},
        206: {"description": "The part that Range asked for."},
        304: {"description": "The client has it already."},
        **problems(404, 409, 416, 500),
    },
)
def onnx(request: Request, context: CurrentContext, key: CheckpointKey) -> Response:
    """The whole model for any runtime of ONNX (opset 17): `inputs` (B, T, C) to `outputs` as predictions are.

    Batch and steps are free. A model without an operator in ONNX is a 409 that says what serves instead.
    """
    return _file(request, exporting.onnx(context, key), f"{ids.public(ids.CHECKPOINT, key)}.onnx")


def _file(request: Request, stored: Weights | File, name: str) -> Response:
    """A file of a checkpoint, or that the client has it already, or the part that it asks for."""
    etag = f'"{stored.sha256}"'
    if not_modified(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    headers = {"ETag": etag, "Content-Disposition": f'attachment; filename="{name}"'}
    return ranged(request, stored, etag, headers)


async def question(request: Request) -> Question:
    """A FastAPI dependency that reads the inputs of a prediction; many of them are only read when they are needed."""
    raw = await raw_body(request)
    if raw.count(b",") < MAX_VALUES:
        asked = await small_question(request, raw)
        return Question(asked.inputs, asked.state, asked.return_state)
    return Question(LargeInputs.of(raw, MAX_VALUES))


@router.post(
    "/{id}/predictions",
    operation_id="predict",
    summary="Ask a stored model",
    response_model=Prediction,
    responses=problems(400, 404, 413, 415, 422, 500),
    openapi_extra=documented_body(PredictionRequest, {"one sequence": {"inputs": [[1.0, 0.1, -0.05, 0.2]]}}),
)
@pooled(attrgetter("predictions"))
def predictions(
    request: Request,
    context: CurrentContext,
    key: CheckpointKey,
    asked: Annotated[Question, Depends(question)],
) -> Response:
    """Answers to sequences of the shape (B, T, C), or (B, T) when C = 1: values, or probabilities of the classes.

    A recurrent model can be shown a sequence in parts: `return_state` asks for its state, which goes with the next
    steps as `state`. The answers are those to the whole sequence, bit for bit.

    Asked again with the same Idempotency-Key it is computed again, to the same numbers.
    """
    answered = predict(context, key, asked)
    outputs = answered.outputs
    rest: dict[str, Any] = {"shape": list(outputs.shape), "checkpoint": ids.public(ids.CHECKPOINT, key)}
    if answered.state is not None:
        rest["state"] = answered.state
    if outputs.size <= AT_ONCE:
        return JSONResponse({"outputs": jsonable(outputs.tolist()), **rest})
    return StreamingResponse(_written(outputs, rest), media_type="application/json")


def _written(outputs: np.ndarray, rest: dict[str, Any]) -> Iterator[bytes]:
    """A large answer as JSON, of which only a part is there at once."""
    rows = max(1, AT_ONCE // max(outputs[0].size, 1))
    for first in range(0, len(outputs), rows):
        part = json.dumps(jsonable(outputs[first : first + rows].tolist()), allow_nan=False, separators=(",", ":"))
        yield (b"," if first else b'{"outputs":[') + part[1:-1].encode()
    yield b"]," + json.dumps(rest, separators=(",", ":"))[1:].encode()


@router.post(
    "/{id}/probes",
    operation_id="probe_checkpoint",
    summary="Ask a probe of one checkpoint",
    status_code=202,
    response_model=Probe,
    responses=PROBE_ANSWERS,
    openapi_extra=documented_body(PROBE, {"change": {"kind": "change", "index": 0, "percent": 50}}, name="ProbeSpec"),
)
async def probes(
    context: CurrentContext,
    caller: CurrentCaller,
    key: CheckpointKey,
    spec: Annotated[ProbeSpec, Depends(json_body(PROBE))],
    wait: Annotated[float, Query(ge=0, le=60, description="seconds to wait for the result")] = 0,
) -> Response:
    """200 with the stored result if it was asked before or is done within `wait`; else 202 and where it will be."""
    return await probe_answer(context, lambda: probe_operations.ask_checkpoint(context, key, spec, caller), wait)
