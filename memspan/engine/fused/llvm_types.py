"""LLVM's types as the kernels use them: numbers, and vectors of 16 lanes."""

from __future__ import annotations

from llvmlite import ir

from memspan.engine.fused.layout import LANES

FLOAT, DOUBLE, WHOLE, BITS, TRUTH = ir.FloatType(), ir.DoubleType(), ir.IntType(64), ir.IntType(32), ir.IntType(1)
POINTER = ir.PointerType()
VECTOR = ir.VectorType(FLOAT, LANES)
BIT_VECTOR = ir.VectorType(BITS, LANES)
BYTES = 4 * LANES
"""of a vector"""
