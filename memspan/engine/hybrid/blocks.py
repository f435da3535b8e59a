"""Which mixers of residual blocks run by compiled loops, and how."""

from __future__ import annotations

from dataclasses import replace

import torch

from memspan.engine.fused.scope import works
from memspan.engine.hybrid.runner import Answer, HybridLayers, is_hybrid, pays
from memspan.interfaces.mixer import Mixer
from memspan.interfaces.network import Network
from memspan.interfaces.recurrence import Recurrence
from memspan.layers.residual_stack import ResidualStack
from memspan.layers.scalar_lstm import ScalarLSTM
from memspan.layers.selective_state_space import SelectiveStateSpace


def blocks_answer(network: Network, device: torch.device) -> Answer | None:
    """A network's answer by compiled loops, equal to its own but for rounding; None where there are none."""
    blocks = compiled_blocks(network, device)
    if blocks is None:
        return None
    return lambda weights, inputs, noise, steps=None: (
        blocks.forward(weights, inputs) if steps is None else blocks.at(weights, inputs, steps)
    )


def compiled_blocks(network: Network, device: torch.device) -> ResidualStack | None:
    """The blocks of a network with compiled loops in their mixers; None where there are none, or none to compile."""
    blocks = network.blocks
    if not isinstance(blocks, ResidualStack) or device.type != "cpu" or not works():
        return None
    mixers = tuple(_compiled(mixer) for mixer in blocks.mixers)
    return None if mixers == tuple(blocks.mixers) else replace(blocks, mixers=mixers)


def _compiled(mixer: Mixer) -> Mixer:
    """A mixer that computes the same by compiled loops, where there are some for it."""
    if isinstance(mixer, SelectiveStateSpace):
        from memspan.engine.hybrid.selective_scan import CompiledScan  # needs the compiler, which may be missing

        return replace(mixer, scan=CompiledScan())
    if isinstance(mixer, ScalarLSTM) and all(map(is_hybrid, mixer.layers)):
        return replace(mixer, runner=HybridLayers(Recurrence(tuple((layer,) for layer in mixer.layers)), pays))
    return mixer
