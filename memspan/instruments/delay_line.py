"""Delay lines: N numbers that hand the input on, one a step, and forget it after N steps."""

from __future__ import annotations

import torch

from memspan.instruments.hand_set import NUMBER, hand_set
from memspan.instruments.linear import CELL
from memspan.interfaces.predictor import Predictor
from memspan.interfaces.signature import Signature


def delay_line(units: int, signature: Signature = NUMBER) -> Predictor:
    """Unit j holds the first channel of j steps ago, exactly; the last one answers: an echo at lag ``units`` - 1."""
    kernel = torch.zeros(signature.channels, units)
    kernel[0, 0] = 1
    readout = torch.zeros(units, signature.outputs)
    readout[-1] = 1
    shift = torch.diag(torch.ones(units - 1), 1)  # row j hands on to column j + 1
    weights = {"layer0.kernel": kernel, "layer0.recurrent": shift, "readout.kernel": readout}
    return hand_set(CELL, units, weights, signature)


def turned_delay_line(
    held: int, units: int, signature: Signature = NUMBER, sizes: tuple[float, float] = (0.0, 0.0)
) -> Predictor:
    """A delay line of some numbers, each unit of many a random sum of all of them: state Q s for s of the line.

    Args:
        held: numbers of the line.
        sizes: powers of ten between which units are stretched.
    """
    rng = torch.Generator().manual_seed(units)
    spread = torch.linalg.qr(torch.randn(units, held, generator=rng, dtype=torch.float64)).Q  # (units, held)
    stretch = torch.logspace(*sizes, units, dtype=torch.float64).unsqueeze(1)
    out, back = stretch * spread, spread / stretch  # back' out = 1
    shift = torch.diag(torch.ones(held - 1, dtype=torch.float64), 1)
    kernel = torch.zeros(signature.channels, units, dtype=torch.float64)
    kernel[0] = out[:, 0]
    weights = {"layer0.kernel": kernel, "layer0.recurrent": back @ shift @ out.T}
    return hand_set(CELL, units, weights, signature)
