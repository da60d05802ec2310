"""Functions of `lanes` that need more than arithmetic."""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils

from .compilation import instruction
from .simd import FLOATS, INTS, LANES, constant, lanes

# 2**f for f in -0.5 … 0.5, of the least greatest relative error (7.5e-8)
_EXP2 = (
    1.3276472454890609e-3,
    9.675540961325169e-3,
    5.550713092088699e-2,
    0.24022120237350464,
    0.6931469440460205,
    1.0,
)
# log2(1 + x)/x for √½ ≤ 1 + x ≤ √2, of the least greatest relative error (2.7e-8).
_LOG2 = (
    0.1258370578289032,
    -0.20726975798606873,
    0.21571560204029083,
    -0.23894481360912323,
    0.28791624307632446,
    -0.3607036769390106,
    0.48091062903404236,
    -0.7213473320007324,
    1.4426950216293335,
)
_SQUARE_ROOT_OF_HALF = 0x3F3504F3  # its bits


@instruction
def exp2(context, values):
    """2**value of each lane, within 2e-7 for -126 < value < 127; below that, any value."""

    def emit(context, builder, signature, arguments):
        value = arguments[0]
        # Adding 1.5·2²³ leaves the nearest whole number in the low bits of the mantissa.
        shifter = constant([1.5 * 2**23] * LANES)
        shifted = builder.fadd(value, shifter)
        fraction = builder.fsub(value, builder.fsub(shifted, shifter))
        power = _polynomial(builder, _EXP2, fraction)
        exponent = builder.shl(builder.bitcast(shifted, INTS), ir.Constant(INTS, [23] * LANES))
        return builder.bitcast(builder.add(builder.bitcast(power, INTS), exponent), FLOATS)

    return lanes(lanes), emit


@instruction
def log2(context, values):
    """log2 of each lane, for positive normal numbers; below those, any value."""

    def emit(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[0], INTS)
        places = ir.Constant(INTS, [23] * LANES)
        exponent = builder.ashr(builder.sub(bits, ir.Constant(INTS, [_SQUARE_ROOT_OF_HALF] * LANES)), places)
        mantissa = builder.bitcast(builder.sub(bits, builder.shl(exponent, places)), FLOATS)
        x = builder.fsub(mantissa, constant([1.0] * LANES))
        product = builder.fmul(_polynomial(builder, _LOG2, x), x, flags=("contract",))
        return builder.fadd(product, builder.sitofp(exponent, FLOATS), flags=("contract",))

    return lanes(lanes), emit


@instruction
def square_root(context, values):
    """The square root of each lane."""

    def emit(context, builder, signature, arguments):
        kind = ir.FunctionType(FLOATS, [FLOATS])
        root = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f32")
        return builder.call(root, [arguments[0]])

    return lanes(lanes), emit


def _polynomial(builder, coefficients, x):
    result = constant([coefficients[0]] * LANES)
    for coefficient in coefficients[1:]:
        product = builder.fmul(result, x, flags=("contract",))
        result = builder.fadd(product, constant([coefficient] * LANES), flags=("contract",))
    return result
