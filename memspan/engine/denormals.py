"""Denormal numbers, which the processor takes for zero while the engine trains, scores and asks: they are slow."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Round numbers below the smallest normal one to zero meanwhile, in this thread.

    Gradients that vanish through time become denormals, which are up to ten times slower. The switch belongs to the
    thread and acts on Python's own floats too, so it is put back; inside, numbers never depend on where it stood.
    """
    before = sys.float_info.min / 2 == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
