"""The leaky integrator forgets as its recurrence says."""

from __future__ import annotations

import pytest
import torch

from memspan.engine.seeds import stream
from memspan.instruments import leaky

INPUTS = torch.randn(5, 7, 2, generator=stream(1))


@pytest.mark.parametrize("keep", [0.0, 0.5, -0.9, 1.0])
def test_it_ends_where_its_recurrence_ends(keep: float) -> None:
    h = torch.zeros(5, 2)
    for x in INPUTS.unbind(1):
        h = keep * h + x
    assert torch.allclose(leaky(keep)(INPUTS), h.unsqueeze(0), atol=1e-6)
    assert leaky(keep).members == 1
