"""Vectors of 16 floats for kernels, which Numba does not have.

LLVM's own vectoriser turns the loop over the pixels of a block into four-wide code, and into something else with the
next version; a type for the 16 pixels of a block says what is meant. LLVM splits it into whatever registers the
processor has (AVX-512, AVX2, SSE, NEON). In a kernel:

    dx = across(left)                     # left + (0, 1, 2, 3, 0, 1, 2, 3, …)
    alpha = where(p >= floor, minimum(exp2(p), clip), zero)

Arithmetic takes `lanes` and float32 mixed; every lane of a scalar is the same.
"""

from __future__ import annotations

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable

from .compilation import instruction

WIDTH = 4
LANES = WIDTH * WIDTH

FLOATS = ir.VectorType(ir.FloatType(), LANES)
INTS = ir.VectorType(ir.IntType(32), LANES)
_BITS = ir.VectorType(ir.IntType(1), LANES)


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__(name="lanes")


class _Mask(types.Type):
    def __init__(self) -> None:
        super().__init__(name="lanes_mask")


lanes = _Lanes()
mask = _Mask()


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind) -> None:
        super().__init__(manager, kind, FLOATS)


@register_model(_Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, kind) -> None:
        super().__init__(manager, kind, _BITS)


def constant(values, vector=FLOATS) -> ir.Constant:
    return ir.Constant(vector, [ir.Constant(vector.element, value) for value in values])


def _splat(builder, value):
    first = builder.insert_element(ir.Constant(FLOATS, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, first, ir.Constant(INTS, [0] * LANES))


def _vector(builder, kind, value):
    return value if kind is lanes else _splat(builder, value)


def _define_operator(function, result, emit) -> None:
    pairs = ((lanes, lanes), (lanes, types.float32), (types.float32, lanes))

    @type_callable(function)
    def _type(context):
        return lambda left, right: result if (left, right) in pairs else None

    for pair in pairs:

        @lower_builtin(function, *pair)
        def _lower(context, builder, signature, arguments):
            left, right = (_vector(builder, *item) for item in zip(signature.args, arguments, strict=True))
            return emit(builder, left, right)


_define_operator(operator.add, lanes, lambda builder, a, b: builder.fadd(a, b, flags=("contract",)))
_define_operator(operator.sub, lanes, lambda builder, a, b: builder.fsub(a, b, flags=("contract",)))
_define_operator(operator.mul, lanes, lambda builder, a, b: builder.fmul(a, b, flags=("contract",)))
_define_operator(operator.truediv, lanes, lambda builder, a, b: builder.fdiv(a, b))
_define_operator(operator.gt, mask, lambda builder, a, b: builder.fcmp_ordered(">", a, b))
_define_operator(operator.ge, mask, lambda builder, a, b: builder.fcmp_ordered(">=", a, b))


@instruction
def across(context, start):
    """start + column of each pixel of a block (0, 1, 2, 3 in every row)."""

    def emit(context, builder, signature, arguments):
        columns = constant([float(lane % WIDTH) for lane in range(LANES)])
        return builder.fadd(_splat(builder, arguments[0]), columns)

    return lanes(types.float32), emit


@instruction
def down(context, start):
    """start + row of each pixel of a block (0, 0, 0, 0, 1, 1, …)."""

    def emit(context, builder, signature, arguments):
        rows = constant([float(lane // WIDTH) for lane in range(LANES)])
        return builder.fadd(_splat(builder, arguments[0]), rows)

    return lanes(types.float32), emit


@instruction
def every(context, value):
    """The same float32 in every lane."""

    def emit(context, builder, signature, arguments):
        return _splat(builder, arguments[0])

    return lanes(types.float32), emit


@instruction
def rounded_product(context, factor, values):
    """factor · each lane, rounded before anything is added: of a·x + b·y, LLVM may round either product otherwise."""

    def emit(context, builder, signature, arguments):
        return builder.fmul(_splat(builder, arguments[0]), arguments[1])

    return lanes(types.float32, lanes), emit


@instruction
def minimum(context, values, limit):
    """The smaller of each lane and a float32; the limit where a lane is NaN."""

    def emit(context, builder, signature, arguments):
        values, limit = arguments[0], _splat(builder, arguments[1])
        return builder.select(builder.fcmp_ordered("<", values, limit), values, limit)

    return lanes(lanes, types.float32), emit


@instruction
def maximum(context, values, limit):
    """The larger of each lane and a float32; the limit where a lane is NaN."""

    def emit(context, builder, signature, arguments):
        values, limit = arguments[0], _splat(builder, arguments[1])
        return builder.select(builder.fcmp_ordered(">", values, limit), values, limit)

    return lanes(lanes, types.float32), emit


@instruction
def where(context, condition, yes, no):
    """Lane by lane: yes where the condition holds, no elsewhere."""

    def emit(context, builder, signature, arguments):
        return builder.select(*arguments)

    return lanes(mask, lanes, lanes), emit


@instruction
def minus_abs(context, values):
    """-|value| of each lane."""

    def emit(context, builder, signature, arguments):
        sign = ir.Constant(INTS, [-(2**31)] * LANES)
        return builder.bitcast(builder.or_(builder.bitcast(arguments[0], INTS), sign), FLOATS)

    return lanes(lanes), emit


@instruction
def any_of(context, condition):
    """Whether the condition holds in any lane."""

    def emit(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(1), [_BITS])
        reduce = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.or.v{LANES}i1")
        return builder.call(reduce, [arguments[0]])

    return types.boolean(mask), emit


@instruction
def fold(context, left, right):
    """Sums of neighbours: lane i is left's lanes 2i and 2i + 1 together, lane 8 + i those of right.

    Sixteen vectors folded in pairs, and the results again until one is left, give their sixteen totals.
    """

    def emit(context, builder, signature, arguments):
        even, odd = (
            builder.shuffle_vector(*arguments, ir.Constant(INTS, list(range(first, 2 * LANES, 2)))) for first in (0, 1)
        )
        return builder.fadd(even, odd)

    return lanes(lanes, lanes), emit


def _pointer(context, builder, array_type, array, offset):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), FLOATS.as_pointer())


@instruction
def load(context, array, offset):
    """The 16 floats of a flat float32 array from an offset on."""

    def emit(context, builder, signature, arguments):
        return builder.load(_pointer(context, builder, signature.args[0], *arguments), align=4)

    return lanes(array, types.intp), emit


@instruction
def store(context, array, offset, values):
    """Writes 16 floats into a flat float32 array."""

    def emit(context, builder, signature, arguments):
        builder.store(arguments[2], _pointer(context, builder, signature.args[0], *arguments[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), emit


@instruction
def add_row(context, sums, place, values, first, weight):
    """Adds weight · the WIDTH numbers of `values` from `first` on to those of `sums` from `place` on; flat float32."""

    def emit(context, builder, signature, arguments):
        row = ir.VectorType(ir.FloatType(), WIDTH)
        sums, values = (
            builder.bitcast(_pointer(context, builder, signature.args[at], *arguments[at : at + 2]), row.as_pointer())
            for at in (0, 2)
        )
        number = ir.Constant(ir.IntType(32), 0)
        scalar = builder.insert_element(ir.Constant(row, ir.Undefined), arguments[4], number)
        weight = builder.shuffle_vector(scalar, scalar, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH))
        product = builder.fmul(weight, builder.load(values, align=4), flags=("contract",))
        builder.store(builder.fadd(builder.load(sums, align=4), product, flags=("contract",)), sums, align=4)
        return context.get_dummy_value()

    return types.void(sums, types.intp, values, types.intp, types.float32), emit
