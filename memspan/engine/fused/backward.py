"""The loop of a layer backwards through time, and the gradients of its weights."""

from __future__ import annotations

from memspan.engine.fused.assembly import POINTER, WHOLE, Code
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.layout import LayerLayout
from memspan.engine.fused.looped import Looped
from memspan.engine.fused.products import Products
from memspan.engine.fused.unrolled import Unrolled


def backward(layout: LayerLayout, every_step: bool, down: bool, products: Products) -> Kernel:
    """``f(length, x_stride, x, row, tape, above, below, gradients, scratch)``: addresses; the stride in vectors.

    Args:
        every_step: whether ``above`` holds gradients of all outputs (T, H), or of the last ones only (H,).
        down: whether ``below`` gets the gradients of the inputs (T, I).
    """
    code = Code(UNNAMED, [WHOLE, WHOLE, *[POINTER] * 7])
    kind = Unrolled if layout.is_unrolled else Looped
    kind(code, layout, every_step, down, products).write()
    return kernel("backward", code)
