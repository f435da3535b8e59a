"""The two kernels of a layer: its loop forwards through time, and the one back."""

from __future__ import annotations

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.backward_rolled import BackwardRolled
from memspan.engine.fused.backward_unrolled import BackwardUnrolled
from memspan.engine.fused.forward_rolled import ForwardRolled
from memspan.engine.fused.forward_unrolled import ForwardUnrolled
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.layout import LayerLayout
from memspan.engine.fused.llvm_types import POINTER, WHOLE


def forward(layout: LayerLayout, streams: int, taped: bool) -> Kernel:
    """``f(length, x_stride, out_stride, x..., row..., out...)``, addresses for each stream, strides in vectors.

    Taped, ``out`` gets what each step leaves behind: the states and what the backward loop wants; first come the states
    before the first step, and ``out_stride`` is ignored. Otherwise it gets the outputs (H vectors) of each step, all at
    one place if the stride is 0, behind the states of a layer.
    """
    code = Code(UNNAMED, [WHOLE, WHOLE, WHOLE, *[POINTER] * (3 * streams)])
    loop = ForwardUnrolled if layout.is_unrolled else ForwardRolled
    loop(code, layout, streams, taped).write()
    return kernel(f"forward{streams}" if taped else f"answer{streams}", code)


def backward(layout: LayerLayout, every_step: bool, down: bool) -> Kernel:
    """``f(length, x_stride, x, row, tape, above, below, gradients, scratch)``: addresses; the stride in vectors.

    Args:
        every_step: whether ``above`` holds gradients of all outputs (T, H), or of the last ones only (H,).
        down: whether ``below`` gets the gradients of the inputs (T, I).
    """
    code = Code(UNNAMED, [WHOLE, WHOLE, *[POINTER] * 7])
    loop = BackwardUnrolled if layout.is_unrolled else BackwardRolled
    loop(code, layout, every_step, down).write()
    return kernel("backward", code)
