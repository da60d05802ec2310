"""Numbers in a .dgt file: as they are, or as small integers with a scale and an offset for every few rows."""

from __future__ import annotations

import numpy as np

from ..errors import DGTalkerError
from . import dgt
from .document import LARGEST

ROWS = 64
"""Rows that share a scale and an offset."""

SMALL = {"I8": np.int8, "I16": np.int16}


def expect(specs: dgt.Specs, name: str, shape: tuple[int | None, ...]) -> dgt.TensorSpec:
    """The announced tensor `name`, F16 or F32, or I8 or I16 with `name.scale` and `name.offset`.

    Raises:
        DGTalkerError: something is missing, or different.
    """
    spec = dgt.expect(specs, name, "F16 F32 I8 I16", shape)
    if spec.dtype in SMALL:
        columns = int(np.prod(spec.shape[1:]))
        for suffix in ("scale", "offset"):
            dgt.expect(specs, f"{name}.{suffix}", "F16 F32", (-(-spec.shape[0] // ROWS), columns))
    return spec


def read(tensors: dgt.Tensors, name: str) -> np.ndarray:
    """The tensor as float32: `offset + scale · stored` where it holds integers.

    Raises:
        DGTalkerError: a number is larger than `document.LARGEST`.
    """
    stored = tensors[name]
    if stored.dtype.kind == "f":
        return _checked(name, stored.astype(np.float32))
    scale, offset = (tensors[f"{name}.{suffix}"].astype(np.float32) for suffix in ("scale", "offset"))
    numbers = stored.reshape(len(stored), scale.shape[1]).astype(np.float32)
    whole = len(numbers) // ROWS * ROWS
    blocks = numbers[:whole].reshape(whole // ROWS, ROWS, scale.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        blocks *= scale[: len(blocks), None]
        blocks += offset[: len(blocks), None]
        if whole < len(numbers):
            numbers[whole:] = offset[-1] + scale[-1] * numbers[whole:]
    return _checked(name, numbers.reshape(stored.shape))


def _checked(name: str, numbers: np.ndarray) -> np.ndarray:
    """Finite as they are, they may still overflow where they are added and turned."""
    if not np.all(np.abs(numbers) <= LARGEST):
        raise DGTalkerError(
            f"The avatar's tensor {name} holds values that are not finite numbers, or exceed {LARGEST:g}.", dgt.DAMAGED
        )
    return numbers


def write(name: str, array: np.ndarray, dtype: str) -> dict[str, np.ndarray]:
    """Tensors from which `read` makes `array` (rows, …) again, to within half a step of its rows' range."""
    if dtype not in SMALL:
        return {name: array.astype(dgt.DTYPES[dtype])}
    if not np.all(np.isfinite(array)):
        raise DGTalkerError(f"The avatar's {name} holds values that are not finite numbers.")
    most = np.iinfo(SMALL[dtype]).max
    flat = array.reshape(len(array), int(np.prod(array.shape[1:]))).astype(np.float64)
    starts = np.arange(0, len(flat), ROWS)
    if not len(starts):
        empty = np.zeros((0, flat.shape[1]), np.float16)
        return {name: array.astype(SMALL[dtype]), f"{name}.scale": empty, f"{name}.offset": empty}
    low, high = np.minimum.reduceat(flat, starts), np.maximum.reduceat(flat, starts)
    # I8 needs no finer scales than halves; what they miss is made up for by rounding to them first
    kind = np.float16 if dtype == "I8" else np.float32
    offset = ((low + high) / 2).astype(kind)
    reach = np.maximum(high - offset, offset - low)
    scale = np.nextafter((reach / most).astype(kind), kind(np.inf))
    block = np.arange(len(flat)) // ROWS
    steps = np.rint((flat - offset[block].astype(np.float64)) / scale[block].astype(np.float64))
    stored = np.clip(steps, -most, most).astype(SMALL[dtype]).reshape(array.shape)
    return {name: stored, f"{name}.scale": scale, f"{name}.offset": offset}
