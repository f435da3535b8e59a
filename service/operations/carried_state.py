"""Carried states: where a model stands between two steps, as an opaque text that a client hands back."""

import base64
import binascii

import numpy as np
import torch
from torch import Tensor

from service.errors import FieldError, Unprocessable

HEAD_BYTES = 16
"""of the sha256 of the weights that a state belongs to"""


def sealed(state: Tensor, sha256: str) -> str:
    """A state (B, D) of the model with these weights."""
    numbers = state.contiguous().numpy().astype("<f4").tobytes()
    return base64.urlsafe_b64encode(bytes.fromhex(sha256)[:HEAD_BYTES] + numbers).decode()


def opened(text: str, sha256: str, batch: int, size: int) -> Tensor:
    """The state (B, D) that was sealed.

    Raises:
        Unprocessable: it is none, of another model, or of another number of sequences.
    """
    try:
        data = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _wrong("state must be what an answer gave as its state, or null.") from None
    if data[:HEAD_BYTES] != bytes.fromhex(sha256)[:HEAD_BYTES]:
        raise _wrong("The state belongs to another model.")
    if len(data) - HEAD_BYTES != 4 * batch * size:
        kept = (len(data) - HEAD_BYTES) / (4 * size)
        raise _wrong(f"The state is of {kept:g} sequences, and {batch} are given.")
    numbers = np.frombuffer(data, "<f4", offset=HEAD_BYTES).astype(np.float32).reshape(batch, size)
    if not np.isfinite(numbers).all():
        raise _wrong("The state holds numbers that are not finite.")
    return torch.from_numpy(numbers)


def none_kept(kind: str) -> Unprocessable:
    """Of a model that keeps nothing from step to step."""
    return _wrong(
        f"A {kind} keeps no state that could be handed on: recurrent models whose layers all go forward do. Send whole "
        "sequences."
    )


def _wrong(message: str) -> Unprocessable:
    return Unprocessable(message, errors=[FieldError("#/state", "not_a_state", message)])
