"""Predictions: what a stored model answers to given sequences."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from memspan.confinement import ConfinementError
from memspan.experiment.checkpoint import predictor
from memspan.experiment.stepping import stepping_of
from service.errors import FieldError, ModelFailed, TooLarge
from service.operations import checkpoints
from service.operations.carried_state import none_kept, opened, sealed
from service.operations.context import Context
from service.operations.inputs import NAMED, POINTER, array_of, refused
from service.operations.large_inputs import LargeInputs
from service.operations.loaded_model import LoadedModel
from service.operations.specs import condition_of

VALUES_AT_ONCE = 1 << 18
"""numbers of inputs that a network computes with at once, 1 MiB"""


@dataclass(frozen=True)
class Question:
    """Sequences to answer, as they came.

    Attributes:
        state: where the model stands before them, as an answer gave it; None: at the beginning.
        return_state: whether the answer is to tell where it stands behind them.
    """

    inputs: Any
    state: str | None = None
    return_state: bool = False


@dataclass(frozen=True)
class Answered:
    """Outputs, and where the model stands behind them, if that was asked for."""

    outputs: np.ndarray
    state: str | None = None


def predict(context: Context, key: int, question: Question) -> Answered:
    """The answers (B, K) of a checkpoint to sequences (B, T, C), or (B, T) when C = 1; (B, T, K) if all steps answer.

    Values for a regression, probabilities for a classification.

    Raises:
        NotFound: there is no such checkpoint.
        WeightsDamaged: its weights are not what was stored.
        Unprocessable: the inputs are no numbers, not finite, or of another shape than the model takes, or their answer
            would hold more numbers than the settings allow.
        ModelFailed: an imported model gave no answer.
        TooLarge: there are more of them than the settings allow.
    """
    model = context.models(key, lambda: _load(context, key))
    longest = context.settings.max_length
    array = _read(question.inputs, model, longest, context.settings.max_prediction_values)
    sequences = _shaped(array, model, longest)
    _check_tokens(sequences, model.condition.signature.vocabulary)
    _check_answer(sequences, model, context.settings.max_answer_values)
    if question.return_state:
        _check_state(len(sequences), model, context.settings.max_answer_values)
    answered = _answered(model, sequences, question)
    context.meters.predictions.inc()
    context.meters.predicted.inc(len(sequences))
    return answered


def _answered(model: LoadedModel, sequences: np.ndarray, question: Question) -> Answered:
    """Step by step where the model can: then parts of a sequence get the bits that the whole gets."""
    if model.stepping is not None:
        size = model.stepping.system.size
        before = None if question.state is None else opened(question.state, model.sha256, len(sequences), size)
        outputs, after = model.stepping.run(torch.from_numpy(sequences), before, question.return_state)
        return Answered(outputs.numpy(), None if after is None else sealed(after, model.sha256))
    if question.state is not None or question.return_state:
        raise none_kept(model.condition.model.kind)
    try:
        answers = [model.predictor(torch.from_numpy(part))[0].numpy() for part in _parts(sequences)]
    except ConfinementError as reason:
        raise ModelFailed(str(reason)) from None
    return Answered(answers[0] if len(answers) == 1 else np.concatenate(answers))


def _parts(sequences: np.ndarray) -> list[np.ndarray]:
    """Sequences (B, T, C) by as many as are computed at once: a network's states take many times what its inputs do."""
    most = max(1, VALUES_AT_ONCE // sequences[0].size)
    return [sequences[first : first + most] for first in range(0, len(sequences), most)]


def _load(context: Context, key: int) -> LoadedModel:
    row, data = checkpoints.loaded(context, key)
    condition = condition_of(row)
    model = predictor(condition, [data])
    any_length = condition.network().any_length
    return LoadedModel(model, condition, any_length, len(data), row.sha256, stepping_of(model))


def _read(inputs: Any, model: LoadedModel, longest: int, most: int) -> np.ndarray:
    """The inputs as an array, counted before large ones are read."""
    if isinstance(inputs, LargeInputs):
        _check_question(inputs.most_values, most)
        signature = model.condition.signature
        return inputs.array((longest if model.any_length else signature.length) * signature.channels)
    array = array_of(inputs)
    _check_question(array.size, most)
    return array


def _check_question(values: int, most: int) -> None:
    if values > most:
        raise TooLarge(
            f"{values} input values are more than the {most} that one request may hold (MEMSPAN_MAX_PREDICTION_VALUES)."
        )


def _check_answer(sequences: np.ndarray, model: LoadedModel, most: int) -> None:
    """Refuse, before it is computed, an answer that is too large."""
    signature = model.condition.signature
    shape = (
        len(sequences),
        *([signature.at_end or sequences.shape[1]] if signature.several else []),
        signature.outputs,
    )
    values = math.prod(shape)
    if values > most:
        message = (
            f"The answer to {len(sequences)} sequences would hold {values} numbers, {' x '.join(map(str, shape))}; "
            f"at most {most} are answered (MEMSPAN_MAX_ANSWER_VALUES). Ask with fewer sequences at once."
        )
        raise refused([FieldError(POINTER, "answer_too_large", message, len(sequences))])


def _check_state(count: int, model: LoadedModel, most: int) -> None:
    """Refuse, before it is computed, a state that is too large: a wide model's has thousands of numbers a sequence."""
    size = 0 if model.stepping is None else model.stepping.system.size
    if count * size > most:
        message = (
            f"The state behind {count} sequences would hold {count * size} numbers, {count} x {size}; at most {most} "
            "are answered (MEMSPAN_MAX_ANSWER_VALUES). Ask with fewer sequences at once."
        )
        raise refused([FieldError(POINTER, "answer_too_large", message, count)])


def _check_tokens(sequences: np.ndarray, vocabulary: int) -> None:
    """Refuse numbers that are no tokens of the task."""
    if not vocabulary:
        return
    wrong = np.argwhere((sequences < 0) | (sequences >= vocabulary) | (sequences != np.floor(sequences)))
    errors = [
        FieldError(
            f"{POINTER}/{sequence}/{step}",
            "out_of_range",
            f"Must be a token, a whole number from 0 to {vocabulary - 1}; given {sequences[sequence, step, 0]:g}.",
            float(sequences[sequence, step, 0]),
        )
        for sequence, step, _ in wrong[:NAMED].tolist()
    ]
    if errors:
        raise refused(errors)


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
        message = f"At most {longest} steps are answered (MEMSPAN_MAX_LENGTH); given {given_steps}."
        raise refused([FieldError(POINTER, "too_long", message, given_steps)])
    return np.ascontiguousarray(sequences)
