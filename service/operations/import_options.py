"""What the owner of a model says about it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from memspan.exchange.onnx_model import Answer, Layout, Scaling
from memspan.experiment.spec import Name
from memspan.interfaces.spec import Length, Real, Whole
from memspan.models import AnyModel
from memspan.tasks import AnyTask

Step = Real | tuple[Real, ...]
Sequences = Annotated[tuple[tuple[Step, ...], ...], Field(min_length=1, max_length=64)]
Outputs = Annotated[tuple[tuple[Step, ...], ...], Field(min_length=1, max_length=64)]


class Example(BaseModel):
    """Sequences, and what the model answers to them where it was made: it tells whether the file is that model."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    inputs: Annotated[Sequences, Field(description="(B, T, C), or (B, T) when C = 1")]
    outputs: Annotated[Outputs, Field(description="(B, K), or (B, T, K) where all steps answer")]


class ImportOptions(BaseModel):
    """What a file can't say, or says wrongly; what is left out is found out, and told in the answer's `model.found`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Annotated[Name, Field(description="shown in lists")] = ""
    format: Annotated[Literal["onnx", "safetensors"] | None, Field(description="null: by the file's first bytes")] = (
        None
    )
    task: Annotated[
        AnyTask | None, Field(description="whose sequences it is shown; own exports of Memspan know it")
    ] = None
    length: Annotated[Length | None, Field(description="time steps of the task's sequences")] = None
    seed: Annotated[Whole, Field(ge=0, le=2**53 - 1, description="of the sequences that probes show")] = 0
    model: Annotated[AnyModel | None, Field(description="safetensors: what weights can't tell, as an activation")] = (
        None
    )
    input: Annotated[str | None, Field(max_length=200, description="onnx: the input that sequences are shown to")] = (
        None
    )
    output: Annotated[str | None, Field(max_length=200, description="onnx: the output that answers")] = None
    layout: Annotated[Layout | None, Field(description="onnx: axes of the input; flat is (B, T C)")] = None
    answer: Annotated[Answer | None, Field(description="onnx: what the output is")] = None
    inputs: Annotated[Scaling, Field(description="onnx: (x - mean) / scale ahead of the model")] = Scaling()
    outputs: Annotated[Scaling, Field(description="onnx: y * scale + mean behind a regression")] = Scaling()
    example: Annotated[Example | None, Field(description="onnx: proof that the file answers as the model does")] = None
