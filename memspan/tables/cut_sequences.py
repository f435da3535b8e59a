"""Sequences that somebody cut already: ``inputs``, ``targets`` and ``groups``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from memspan.tables.caps import Caps
from memspan.tables.fault import Fault, Faults, refused
from memspan.tables.table import Sequences

INPUTS, TARGETS, GROUPS = "inputs", "targets", "groups"
MOST_CLASSES = 100_000
Array = np.ndarray[Any, Any]


def cut_sequences(arrays: Mapping[str, Array], caps: Caps) -> Sequences:
    """The sequences of some arrays by name.

    Shapes:
        inputs (N, T, C), or (N, T) for one channel; targets (N,) whole numbers, which are classes, or (N,) or (N, K)
        numbers; groups (N,) whole numbers, where sequences belong together.

    Raises:
        Unreadable: shapes don't go together, or values are missing, infinite or no classes.
    """
    unknown = sorted(set(arrays) - {INPUTS, TARGETS, GROUPS})
    if unknown:
        raise refused("unknown_column", "Sequences have `inputs`, `targets` and `groups`.", given=unknown[0])
    if TARGETS not in arrays:
        raise refused("missing", "Sequences need `targets` beside `inputs`.")
    inputs, targets, groups = arrays[INPUTS], arrays[TARGETS], arrays.get(GROUPS)
    _check_shapes(inputs, targets, groups, caps)
    faults = Faults(caps.faults)
    inputs = inputs if inputs.ndim == 3 else inputs[:, :, None]
    _check_finite(INPUTS, inputs, faults)
    _check_finite(TARGETS, targets, faults)
    classes = targets.dtype.kind in "iub"
    if classes:
        _check_classes(targets, faults)
    faults.refuse()
    wanted = targets.astype(np.int64) if classes else targets.astype(np.float32).reshape(len(targets), -1)
    owners = None if groups is None else groups.astype(np.int64)
    return Sequences(inputs.astype(np.float32), wanted, owners, {"format": "npz"})


def _check_shapes(inputs: Array, targets: Array, groups: Array | None, caps: Caps) -> None:
    if inputs.ndim < 2:
        raise refused("wrong_axes", f"`inputs` has the shape {inputs.shape}; expected (N, T, C) or (N, T).")
    if 0 in inputs.shape:
        raise refused("no_rows", f"`inputs` has the shape {inputs.shape}: it is empty.")
    count, steps = inputs.shape[:2]
    channels = inputs.shape[2] if inputs.ndim == 3 else 1
    if channels > caps.columns:
        raise refused("too_many_columns", f"`inputs` has {channels} channels; at most {caps.columns} are read.")
    if count * steps > caps.rows:
        raise refused("too_many_rows", f"`inputs` has {count} x {steps} steps; at most {caps.rows} are read.")
    if targets.ndim > 2 or len(targets) != count or 0 in targets.shape:
        message = f"`targets` has the shape {targets.shape}; expected ({count},) or ({count}, K)."
        raise refused("wrong_axes", message)
    if targets.ndim == 2 and (targets.shape[1] > caps.columns or targets.dtype.kind in "iub"):
        message = f"`targets` of two axes are at most {caps.columns} floating-point numbers; classes have one axis."
        raise refused("wrong_axes", message)
    if groups is not None and (groups.shape != (count,) or groups.dtype.kind not in "iu"):
        raise refused("wrong_axes", f"`groups` must be whole numbers of the shape ({count},).")


def _check_finite(name: str, values: Array, faults: Faults) -> None:
    """Rows are sequences, 1 the first."""
    rows = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1))
    told = rows[: max(faults.room, 0)]
    for row in told:
        faults.add(Fault("not_finite", "This sequence holds NaN or infinite numbers.", int(row) + 1, name))
    faults.count(len(rows) - len(told))


def _check_classes(targets: Array, faults: Faults) -> None:
    numbers = targets.astype(np.int64)
    wrong = np.flatnonzero((numbers < 0) | (numbers >= MOST_CLASSES))
    message = f"Classes are whole numbers from 0 to {MOST_CLASSES - 1}."
    told = wrong[: max(faults.room, 0)]
    for row in told:
        faults.add(Fault("not_a_class", message, int(row) + 1, TARGETS, str(targets[row])))
    faults.count(len(wrong) - len(told))
