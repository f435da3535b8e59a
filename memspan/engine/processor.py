"""Processors as numbers know them: two of one kind give the same bits, two of different kinds need not."""

from __future__ import annotations

import platform
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from memspan.engine.placement import EngineName

WIDE = "x86-64 with AVX2 or more"
"""what the fused engine computes is the same on all of these: its loops are written for 16 lanes, with the order of
every sum and every fused product fixed, and torch draws the same data and first weights there"""


class OtherProcessor(Exception):
    """Where a run stands was reached on another kind of processor: going on here would mix two in its numbers."""

    def __init__(self, there: str, here: str) -> None:
        super().__init__(f"It was trained so far on {there}, and this is {here}.")


def processor_kind(engine: EngineName, device: torch.device | str = "cpu") -> str:
    """The kind of processor that an engine's numbers are of, here.

    torch chooses its products by vendor, generation and vector width, so its kinds are as narrow as that.
    """
    if torch.device(device).type == "cuda":
        return str(torch.cuda.get_device_name(device))
    capability = torch.backends.cpu.get_cpu_capability()
    if engine == "fused" and capability.startswith(("AVX2", "AVX512")):
        return WIDE
    return f"{_generation()} {capability}"


@lru_cache(maxsize=1)
def _generation() -> str:
    """LLVM's name of this processor, e.g. znver4; that of its architecture where there is no LLVM."""
    try:
        from memspan.engine.fused.compiler import target
    except ImportError:
        return platform.machine()
    return target()[0]
