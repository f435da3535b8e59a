"""Delay line: N units that hand the input on, one a step, and forget it after N steps."""

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
