"""Sets of up to 64 things as the bits of one number."""

from __future__ import annotations

from llvmlite import ir
from numba import types

from .compilation import instruction
from .simd import INTS, LANES, lanes


@instruction
def lowest_bit(context, bits):
    """The place of the lowest bit that is set in a uint64 other than 0."""

    def emit(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), emit


@instruction
def bit_spans(context, places):
    """Eight runs of bits, a byte each, in one uint64: byte r has the bits from lane 8 + r up to, not including, lane r.

    The places are from 0 to 8 and are rounded down; a byte whose run would end before it begins is 0.
    """

    def emit(context, builder, signature, arguments):
        half = ir.VectorType(ir.IntType(32), 8)
        ones = ir.Constant(INTS, [1] * LANES)
        powers = builder.shl(ones, builder.fptosi(arguments[0], INTS))
        ends, firsts = (
            builder.shuffle_vector(powers, powers, ir.Constant(half, list(range(start, start + 8)))) for start in (0, 8)
        )
        runs = builder.sub(ends, firsts)
        none = ir.Constant(runs.type, [0] * 8)
        runs = builder.select(builder.icmp_signed(">", runs, none), runs, none)
        return builder.bitcast(builder.trunc(runs, ir.VectorType(ir.IntType(8), 8)), ir.IntType(64))

    return types.uint64(lanes), emit
