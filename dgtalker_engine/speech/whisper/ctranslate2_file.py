"""Tensors in the files that CTranslate2 keeps models in, version 6: read only, without CTranslate2."""

from __future__ import annotations

import struct

import numpy as np

_VERSION = 6
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read(data: bytes) -> dict[str, np.ndarray]:
    """The tensors of a file by their names, float32.

    The layout: version, name of the kind of model, its revision, the number of tensors; of each its name, the number of
    its dimensions and each of them, its type, its bytes. Names are a length of two bytes, and end with a zero.

    Raises:
        ValueError: it is not such a file.
    """
    place = 0

    def number(form: str) -> int:
        nonlocal place
        place += struct.calcsize(form)
        return struct.unpack_from(form, data, place - struct.calcsize(form))[0]

    def text() -> str:
        nonlocal place
        length = number("<H")
        place += length
        return data[place - length : place].rstrip(b"\0").decode()

    try:
        if number("<I") != _VERSION:
            raise ValueError(f"the file is not of version {_VERSION}")
        text()
        number("<I")
        tensors = {}
        for _ in range(number("<I")):
            name = text()
            shape = [number("<I") for _ in range(number("<B"))]
            kind, size = np.dtype(_TYPES[number("<B")]), number("<I")
            tensors[name] = np.frombuffer(data, kind, size // kind.itemsize, place).reshape(shape).astype(np.float32)
            place += size
    except (struct.error, KeyError) as error:
        raise ValueError("the file ends early, or holds what CTranslate2 6 does not write") from error
    return tensors
