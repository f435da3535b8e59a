"""From kernels to machine code: LLVM, in this process, for this processor."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding as llvm

from memspan.engine.fused.kernel import Kernel

SPEED = 2
"""LLVM's level of optimisation, its own default; 1 and 3 make loops that are as fast
(``python -m benchmarks thresholds``)"""


def target() -> tuple[str, str]:
    """LLVM's name of the processor that code is made for, and its features: this one's.

    $MEMSPAN_PROCESSOR names a lesser one instead, e.g. ``x86-64-v3`` for one with AVX2 and without AVX-512.
    """
    chosen = os.environ.get("MEMSPAN_PROCESSOR")
    return (chosen, "") if chosen else (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


def machine() -> Any:
    """LLVM's description of the processor that code is made for; an engine that is given one keeps it."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = target()
    return llvm.Target.from_default_triple().create_target_machine(cpu=name, features=features, opt=SPEED, jit=True)


def processor() -> str:
    """What compiled code depends on, beside its source: the processor and the compiler."""
    return f"{' '.join(target())} llvm {llvm.llvm_version_info} level {SPEED}"


def compiled(kernel: Kernel) -> bytes:
    """The object code of a kernel."""
    code: bytes = machine().emit_object(_optimised(kernel))
    return code


def assembly(kernel: Kernel) -> str:
    """The same in the processor's assembly language, for people."""
    text: str = machine().emit_assembly(_optimised(kernel))
    return text


def machine_bytes(data: bytes) -> int:
    """The size of the instructions in object code."""
    return sum(each.size() for each in llvm.ObjectFileRef.from_data(data).sections() if each.is_text())


def _optimised(kernel: Kernel) -> Any:
    module = llvm.parse_assembly(kernel.text)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=SPEED)
    options.loop_vectorization = options.slp_vectorization = False  # the vectors are there
    passes = llvm.create_pass_builder(machine(), options)
    passes.getModulePassManager().run(module, passes)
    return module


class Linked:
    """Object code, ready to be called; alive as long as this object, or a function that was taken from it."""

    def __init__(self, objects: Sequence[bytes], names: Sequence[str]) -> None:
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine())
        for data in objects:
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(data))
        self._engine.finalize_object()
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        self._calls = {name: kind(self._engine.get_function_address(name)) for name in names}
        for call in self._calls.values():
            call.engine = self._engine  # type: ignore[attr-defined]

    def __getitem__(self, name: str) -> Callable[[Any], None]:
        """A function that takes the address of its arguments; calling it lets go of the interpreter's lock."""
        return self._calls[name]
