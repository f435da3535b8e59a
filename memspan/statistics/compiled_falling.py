"""The loop of ``falling`` as machine code: a row costs some nanoseconds a length instead of some hundred.

Every row is pooled by itself, in the order of its lengths, by the very operations that ``falling`` has in numpy, each
rounded by itself: so both give the same bits, which a test holds them to.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

log = logging.getLogger("memspan.statistics")

Floats: TypeAlias = NDArray[np.float64]
Loop: TypeAlias = Callable[[Floats, Floats], None]
"""takes rates (R, L), row after row, and totals (L,), and puts the falling rates in the place of the rates"""

TEXT = """
; Pools are a stack, one entry each: the mean in the row itself, behind which nothing is needed any more, the weight and
; the size beside it.
define void @falling(ptr noalias %rates, ptr noalias %totals, ptr noalias %weights, ptr noalias %sizes,
                     i64 %rows, i64 %length) {
entry:
  br label %row

row:                                              ; for each row
  %at_row = phi i64 [ 0, %entry ], [ %next_row, %end_row ]
  %more_rows = icmp slt i64 %at_row, %rows
  br i1 %more_rows, label %begin_row, label %done

begin_row:
  %offset = mul i64 %at_row, %length
  %own = getelementptr double, ptr %rates, i64 %offset
  br label %place

place:                                            ; for each length: a new pool
  %at = phi i64 [ 0, %begin_row ], [ %next_at, %push ]
  %used = phi i64 [ 0, %begin_row ], [ %now_used, %push ]
  %more_places = icmp slt i64 %at, %length
  br i1 %more_places, label %append, label %spread

append:
  %rate_place = getelementptr double, ptr %own, i64 %at
  %rate = load double, ptr %rate_place
  %total_place = getelementptr double, ptr %totals, i64 %at
  %total = load double, ptr %total_place
  br label %look

look:                                             ; while it rises above the pool before it
  %mean = phi double [ %rate, %append ], [ %merged, %merge ]
  %weight = phi double [ %total, %append ], [ %both, %merge ]
  %size = phi i64 [ 1, %append ], [ %both_sizes, %merge ]
  %left = phi i64 [ %used, %append ], [ %before, %merge ]
  %before = sub i64 %left, 1
  %mean_before_place = getelementptr double, ptr %own, i64 %before
  %any_before = icmp sgt i64 %left, 0
  br i1 %any_before, label %compare, label %push

compare:
  %mean_before = load double, ptr %mean_before_place
  %rises = fcmp olt double %mean_before, %mean
  br i1 %rises, label %merge, label %push

merge:
  %weight_before_place = getelementptr double, ptr %weights, i64 %before
  %weight_before = load double, ptr %weight_before_place
  %both = fadd double %weight_before, %weight
  %share = fdiv double %weight, %both
  %apart = fsub double %mean, %mean_before
  %step = fmul double %share, %apart
  %merged = fadd double %mean_before, %step
  %size_before_place = getelementptr i64, ptr %sizes, i64 %before
  %size_before = load i64, ptr %size_before_place
  %both_sizes = add i64 %size_before, %size
  br label %look

push:
  %mean_place = getelementptr double, ptr %own, i64 %left
  store double %mean, ptr %mean_place
  %weight_place = getelementptr double, ptr %weights, i64 %left
  store double %weight, ptr %weight_place
  %size_place = getelementptr i64, ptr %sizes, i64 %left
  store i64 %size, ptr %size_place
  %now_used = add i64 %left, 1
  %next_at = add i64 %at, 1
  br label %place

spread:                                           ; the last pool first: what it covers lies behind all other means
  %pools = phi i64 [ %used, %place ], [ %last, %filled ]
  %end = phi i64 [ %length, %place ], [ %first, %filled ]
  %more_pools = icmp sgt i64 %pools, 0
  br i1 %more_pools, label %pool, label %end_row

pool:
  %last = sub i64 %pools, 1
  %last_mean_place = getelementptr double, ptr %own, i64 %last
  %last_mean = load double, ptr %last_mean_place
  %last_size_place = getelementptr i64, ptr %sizes, i64 %last
  %last_size = load i64, ptr %last_size_place
  %first = sub i64 %end, %last_size
  br label %fill

fill:
  %into = phi i64 [ %first, %pool ], [ %next_into, %filling ]
  %more_fill = icmp slt i64 %into, %end
  br i1 %more_fill, label %filling, label %filled

filling:
  %into_place = getelementptr double, ptr %own, i64 %into
  store double %last_mean, ptr %into_place
  %next_into = add i64 %into, 1
  br label %fill

filled:
  br label %spread

end_row:
  %next_row = add i64 %at_row, 1
  br label %row

done:
  ret void
}
"""


@lru_cache(maxsize=1)
def loop() -> Loop | None:
    """The loop, compiled once in a process; None where nothing can be compiled."""
    try:
        call = _linked()
    except Exception as error:  # whatever a compiler that is missing or broken raises
        log.warning("Success curves are fitted by numpy: %s: %s", type(error).__name__, error)
        return None
    return lambda rates, totals: _run(call, rates, totals)


def _run(call: Any, rates: Floats, totals: Floats) -> None:
    rows, length = rates.shape
    weights, sizes = np.empty(length), np.empty(length, dtype=np.int64)
    call(*(each.ctypes.data for each in (rates, totals, weights, sizes)), rows, length)


def _linked() -> Any:
    """The function; it keeps its machine code alive."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(TEXT)
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(opt=2, jit=True)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4, *[ctypes.c_int64] * 2)(engine.get_function_address("falling"))
    call.engine = engine  # type: ignore[attr-defined]
    return call
