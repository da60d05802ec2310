"""Named arrays in the body of a frame. Standard library only; NumPy reads and gives them without copies.

The specs go into the header: a list of ``{"name", "dtype", "shape", "offset"}``; offsets are multiples of 8 bytes.
Everything is little-endian.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from .frames import MAX_BODY, WireError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_ALIGNMENT = 8
_MAX_ARRAYS = 256
_MAX_DIMENSIONS = 8
_ITEM_SIZES = {"u1": 1, "i4": 4, "i8": 8, "f4": 4, "f8": 8}
_CODES = {
    ("B", 1): "u1",
    ("i", 4): "i4",
    ("l", 4): "i4",
    ("l", 8): "i8",
    ("q", 8): "i8",
    ("f", 4): "f4",
    ("d", 8): "f8",
}


@dataclass(frozen=True)
class Array:
    """One array of a body; `numpy.asarray(array)` is a view of it.

    Attributes:
        dtype: "u1", "i4", "i8", "f4" or "f8".
        shape: sizes, outermost first.
        data: the bytes, in C order.
    """

    dtype: str
    shape: tuple[int, ...]
    data: memoryview

    @property
    def __array_interface__(self) -> dict[str, Any]:
        order = "|" if self.dtype == "u1" else "<"
        # NumPy refuses an empty buffer, even for an array without elements.
        data = self.data if self.data.nbytes else memoryview(bytearray(_ALIGNMENT))
        return {"version": 3, "shape": self.shape, "typestr": order + self.dtype, "data": data}


def pack(arrays: Mapping[str, ReadableBuffer]) -> tuple[list[dict[str, Any]], list[memoryview]]:
    """Specs for the header and buffers for the body.

    Args:
        arrays: C-contiguous buffers (NumPy arrays, bytes) of u1, i4, i8, f4 or f8.

    Raises:
        ValueError: an array is of another type, or not contiguous.
    """
    if sys.byteorder != "little":
        raise ValueError("arrays are sent in little-endian order, which this machine does not use")
    specs: list[dict[str, Any]] = []
    buffers: list[memoryview] = []
    offset = 0
    for name, array in arrays.items():
        view = memoryview(array)
        dtype = _CODES.get((view.format, view.itemsize))
        if dtype is None or not view.c_contiguous:
            raise ValueError(f"array {name} of format {view.format!r} cannot be sent")
        specs.append({"name": name, "dtype": dtype, "shape": list(view.shape or ()), "offset": offset})
        padding = -view.nbytes % _ALIGNMENT
        buffers += [view, memoryview(bytes(padding))]
        offset += view.nbytes + padding
    return specs, buffers


def unpack(specs: object, body: bytes | bytearray | memoryview) -> dict[str, Array]:
    """The arrays of a body by name, as views of it.

    Raises:
        WireError: the specs do not describe this body.
    """
    if not isinstance(specs, list) or len(cast("list[object]", specs)) > _MAX_ARRAYS:
        raise WireError("A message's list of arrays cannot be read.")
    view = memoryview(body).cast("B")
    arrays: dict[str, Array] = {}
    for spec in cast("list[dict[str, Any]]", specs):
        try:
            name, dtype, shape, offset = spec["name"], spec["dtype"], tuple(spec["shape"]), spec["offset"]
            itemsize = _ITEM_SIZES[dtype]
        except (KeyError, TypeError) as error:
            raise WireError("A message's list of arrays cannot be read.") from error
        sizes = (*shape, offset)
        # bool is an int to Python, not to the format.
        if len(shape) > _MAX_DIMENSIONS or not all(type(size) is int and 0 <= size <= MAX_BODY for size in sizes):
            raise WireError(f"Array {name!r} of a message has an impossible shape.")
        end = offset + math.prod(shape) * itemsize
        if not isinstance(name, str) or name in arrays or end > view.nbytes:
            raise WireError(f"Array {name!r} of a message does not fit into its body.")
        arrays[name] = Array(dtype, shape, view[offset:end])
    return arrays
