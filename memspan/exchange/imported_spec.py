"""Specs of imported models: an experiment of one run that nobody trained here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from memspan.exchange.onnx_model import OnnxModel
from memspan.experiment.spec import ExperimentSpec


class OnnxSpec(ExperimentSpec):
    """An experiment whose model is an ONNX file. It is stored and read, and never posted."""

    models: Annotated[tuple[OnnxModel, ...], Field(min_length=1, max_length=1)]
