"""What one core can do at most: measured with loops of nothing but the one instruction."""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from memspan.engine.fused.assembly import Code
from memspan.engine.fused.compiler import Linked, compiled
from memspan.engine.fused.kernel import UNNAMED, Kernel, kernel
from memspan.engine.fused.layout import LANES
from memspan.engine.fused.llvm_types import POINTER, VECTOR

ROUNDS = 20_000
TRIES = 40
CHAINS = 16
"""numbers that are worked on side by side: more than any latency hides"""

Instruction = Callable[[Code, Any], Any]


@dataclass(frozen=True)
class Core:
    """Nanoseconds of an instruction of 16 lanes on one core.

    Attributes:
        multiply_add: where many are independent of each other.
        division: likewise.
        waiting: where each multiply-add needs the last one's result.
    """

    multiply_add: float
    division: float
    waiting: float

    @property
    def gflops(self) -> float:
        """Floating-point operations at most, 10^9 a second."""
        return 2 * LANES / self.multiply_add


def core() -> Core:
    """Measure this core."""
    return Core(_nanoseconds(_multiply_add, CHAINS), _nanoseconds(_divide, CHAINS), _nanoseconds(_multiply_add, 1))


def _multiply_add(code: Code, x: Any) -> Any:
    return code.fma(x, code.number(0.5), code.number(0.25))


def _divide(code: Code, x: Any) -> Any:
    return code.div(code.number(1.25), x)


def _nanoseconds(instruction: Instruction, chains: int) -> float:
    made = _loop(instruction, chains)
    call = Linked([compiled(made)], [made.name])[made.name]
    memory = (ctypes.c_float * (LANES * (chains + 1)))()
    memory[:] = [1.0] * len(memory)
    address = -(-ctypes.addressof(memory) // (4 * LANES)) * 4 * LANES
    return min(_seconds(call, address) for _ in range(TRIES)) * 1e9 / (ROUNDS * chains * _UNROLLED)


def _seconds(call: Callable[[Any], None], address: int) -> float:
    begun = time.perf_counter()
    call(address)
    return time.perf_counter() - begun


_UNROLLED = 8


def _loop(instruction: Instruction, chains: int) -> Kernel:
    """``f(memory)``: chains of one instruction, from numbers read to numbers stored: none can be left out."""
    code = Code(UNNAMED, [POINTER])
    numbers = [code.variable(VECTOR, code.load(code.arguments[0], index)) for index in range(chains)]
    with code.loop(ROUNDS):
        for _ in range(_UNROLLED):
            for number in numbers:
                code.set(number, instruction(code, code.get(number)))
    for index, number in enumerate(numbers):
        code.store(code.get(number), code.arguments[0], index)
    return kernel("processor", code)
