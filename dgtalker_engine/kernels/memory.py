"""Memory, ahead of its use."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils

from .compilation import instruction


@instruction
def prefetch_row(context, array, row):
    """Asks for the cache line where a row of a two-dimensional array begins, and does not wait for it."""

    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        offset = builder.mul(builder.extract_value(array.strides, 0), arguments[1])
        place = builder.gep(builder.bitcast(array.data, byte), [offset])
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        reading, into_all_caches, data = number(0), number(3), number(1)
        builder.call(prefetch, [place, reading, into_all_caches, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit
