"""Checkpoints and predictions."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from service.operations import ids
from service.operations.specs import condition_of
from service.operations.times import rfc3339
from service.schemas.number import Answer, Data, Link
from service.storage.checkpoints import CheckpointRecord


class Checkpoint(Answer):
    """Stored weights and where they come from."""

    id: str
    kind: str
    epoch: int
    origin: str = Field(description="trained here, or imported")
    run: str | None = Field(description="null where it was imported")
    experiment: str
    task: Data
    model: Data
    length: int | None
    repeat: int
    seed: int
    engine: str
    sha256: str
    bytes: int
    parameters: int
    shapes: dict[str, list[int]]
    inputs: list[int | str] = Field(description="shape of a prediction's inputs, e.g. [B, T, 1]")
    outputs: list[int | str]
    created_at: str
    links: Link


class PredictionRequest(BaseModel):
    """Sequences to answer."""

    model_config = ConfigDict(extra="forbid")
    inputs: Annotated[
        Any, Field(description="nested lists of numbers, (B, T, C), or (B, T) when C = 1", examples=[[[1.0, 0.1]]])
    ]
    state: Annotated[
        str | None,
        Field(
            max_length=8 * 2**20, description="where the model stands, as the answer before gave it; null: at the start"
        ),
    ] = None
    return_state: Annotated[bool, Field(strict=True, description="tell where the model stands behind the inputs")] = (
        False
    )


class Prediction(Answer):
    """A model's answers: values, or probabilities of the classes."""

    outputs: list[list[float]]
    shape: list[int]
    checkpoint: str
    state: str | None = Field(default=None, description="to hand back with the next steps; left out unless asked for")


def checkpoint(row: CheckpointRecord) -> dict[str, Any]:
    """One checkpoint with its lineage and shapes."""
    condition = condition_of(row)
    signature, network = condition.signature, condition.network()
    name = ids.public(ids.CHECKPOINT, row.key)
    return {
        "id": name,
        "kind": row.kind,
        "epoch": row.epoch,
        "origin": row.origin or "trained",
        "run": None if row.origin else ids.public(ids.RUN, row.run_key),
        "experiment": ids.public(ids.EXPERIMENT, row.experiment_key),
        "task": condition.task.model_dump(mode="json"),
        "model": condition.model.model_dump(mode="json"),
        "length": condition.length,
        "repeat": row.repeat,
        "seed": row.seed,
        "engine": row.engine,
        "sha256": row.sha256,
        "bytes": row.bytes,
        "parameters": network.parameters,
        "shapes": {name: list(weight.shape) for name, weight in network.weights.items()},
        "inputs": ["B", "T" if network.any_length else signature.length, signature.channels],
        "outputs": ["B", signature.outputs],
        "created_at": rfc3339(row.created_at),
        "links": {
            "self": f"/checkpoints/{name}",
            "experiment": f"/experiments/{ids.public(ids.EXPERIMENT, row.experiment_key)}",
            "weights": f"/checkpoints/{name}/weights",
            "onnx": f"/checkpoints/{name}/onnx",
            "predictions": f"/checkpoints/{name}/predictions",
            "probes": f"/checkpoints/{name}/probes",
        },
    }
