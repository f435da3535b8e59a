"""Predictions: what a stored model answers to given sequences."""

from typing import Any

import numpy as np
import torch

from memspan.experiment.checkpoint import predictor
from service.errors import FieldError, TooLarge
from service.operations import checkpoints
from service.operations.context import Context
from service.operations.inputs import POINTER, array_of, refused
from service.operations.loaded_model import LoadedModel
from service.operations.specs import condition_of


def predict(context: Context, key: int, inputs: Any) -> np.ndarray:
    """The answers (B, K) of a checkpoint to sequences (B, T, C), or (B, T) when C = 1.

    Values for a regression, probabilities for a classification.

    Raises:
        NotFound: there is no such checkpoint.
        WeightsDamaged: its weights are not what was stored.
        Unprocessable: the inputs are no numbers, not finite, or of another shape than the model takes.
        TooLarge: there are more of them than the settings allow.
    """
    model = context.models(key, lambda: _load(context, key))
    array = array_of(inputs)
    if array.size > context.settings.max_prediction_values:
        most = context.settings.max_prediction_values
        raise TooLarge(f"{array.size} input values are more than the {most} that one request may hold.")
    sequences = _shaped(array, model, context.settings.max_length)
    outputs = model.predictor(torch.from_numpy(sequences))
    context.meters.predictions.inc()
    context.meters.predicted.inc(len(sequences))
    return outputs[0].numpy()


def _load(context: Context, key: int) -> LoadedModel:
    row, data = checkpoints.loaded(context, key)
    condition = condition_of(row)
    return LoadedModel(predictor(condition, [data]), condition, condition.network().any_length, len(data))


def _shaped(array: np.ndarray, model: LoadedModel, longest: int) -> np.ndarray:
    """The array as (B, T, C), if the model takes it."""
    channels = model.condition.signature.channels
    sequences = array[:, :, None] if array.ndim == 2 and channels == 1 else array
    steps = "T" if model.any_length else str(model.condition.signature.length)
    expected = f"(B, {steps}, {channels})" + (f" or (B, {steps})" if channels == 1 else "")
    fits = sequences.ndim == 3 and sequences.shape[2] == channels and min(sequences.shape) > 0
    fits = fits and (model.any_length or sequences.shape[1] == model.condition.signature.length)
    if not fits:
        given = list(array.shape)
        message = f"The model takes the shape {expected}; given {tuple(given)}."
        raise refused([FieldError(POINTER, "wrong_shape", message, given)])
    if (given_steps := sequences.shape[1]) > longest:
        message = f"At most {longest} steps are answered; given {given_steps}."
        raise refused([FieldError(POINTER, "too_long", message, given_steps)])
    return np.ascontiguousarray(sequences)
