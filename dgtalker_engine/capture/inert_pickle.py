"""Pickles read without running anything that they name.

A pickle is a program, and models are published as pickles. A reader says which names its files need: the few whose
work is done here, by functions that do no more than what such files need, and the packages whose classes and functions
are replaced by inert records. Any other name ends the reading before anything has run.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import DGTalkerError

_PUBLISHED = "Give the file as it was published."


class Record:
    """Stands where a pickle names a class or a function: keeps what it is given and does nothing.

    Attributes:
        name: of what it stands for, ``module.name``.
        given: the arguments that it was called with.
        state: attributes by name.
    """

    name = ""

    given: tuple[object, ...]
    state: dict[str, Any]

    def __new__(cls, *given: object, **_: object) -> Self:
        record = super().__new__(cls)
        record.given, record.state = given, {}
        return record

    def __setstate__(self, state: object) -> None:
        self.state = state if isinstance(state, dict) else {}

    def __setitem__(self, key: object, value: object) -> None:
        self.state[str(key)] = value


def _new(kind: type, base: object, state: object) -> Record:
    """What copyreg._reconstructor does, for records alone."""
    if not (isinstance(kind, type) and issubclass(kind, Record)):
        raise pickle.UnpicklingError("it makes something else than records")
    return kind()


def _encode(text: str, encoding: str) -> bytes:
    """What _codecs.encode does for bytes in old pickles."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("it encodes text")
    return text.encode("latin-1")


class _DType(Record):
    """NumPy's dtype, of plain numbers alone: others are made of pointers, which a pickle must not choose."""

    order = "="

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]

    def plain(self) -> np.dtype:
        if not re.fullmatch(r"[biuf][1248]", str(self.given[0])) or self.order not in ("<", ">", "=", "|"):
            raise pickle.UnpicklingError("an array holds more than numbers")
        return np.dtype(str(self.given[0])).newbyteorder(self.order)


class Array(Record):
    """NumPy's ndarray.

    Attributes:
        array: its numbers, once the pickle has said them.
    """

    array: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        self.array = _numbers(dtype, raw).reshape(shape, order="F" if fortran else "C").copy()


def _numbers(dtype: object, raw: object) -> np.ndarray:
    if not isinstance(dtype, _DType) or not isinstance(raw, str | bytes):
        raise pickle.UnpicklingError("an array holds more than numbers")
    return np.frombuffer(raw.encode("latin-1") if isinstance(raw, str) else raw, dtype.plain())


def _reconstruct(kind: object, shape: object, code: object) -> Array:
    """What NumPy's does: an array whose state is to come."""
    return Array()


def _scalar(dtype: object, raw: object) -> np.generic:
    """What NumPy's does, for numbers."""
    return _numbers(dtype, raw)[0]


_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")
_KNOWN: dict[tuple[str, str], object] = {
    ("numpy", "ndarray"): Array,
    ("numpy", "dtype"): _DType,
    **{(module, "_reconstruct"): _reconstruct for module in _NUMPY},
    **{(module, "scalar"): _scalar for module in _NUMPY},
    ("copyreg", "_reconstructor"): _new,
    ("copy_reg", "_reconstructor"): _new,
    ("builtins", "object"): object,
    ("__builtin__", "object"): object,
    ("_codecs", "encode"): _encode,
}
"""NumPy's arrays and numbers, and what pickles of old protocols need to make records."""


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, known: Mapping[tuple[str, str], object], inert: frozenset[str]) -> None:
        super().__init__(file, encoding="latin1")
        self._known = {**_KNOWN, **known}
        self._inert = inert
        self._kinds: dict[str, type[Record]] = {}

    def find_class(self, module_name: str, global_name: str) -> Any:
        name = f"{module_name}.{global_name}"
        found = self._known.get((module_name, global_name))
        if found is None:
            if module_name.split(".")[0] not in self._inert:
                raise pickle.UnpicklingError(f"it names {name}")
            found = Record
        if isinstance(found, type) and issubclass(found, Record):
            # A class of this reading alone: a pickle may change the attributes of what it names.
            return self._kinds.setdefault(name, type(global_name, (found,), {"name": name}))
        return found


def read_inert(
    path: Path, kind: str, known: Mapping[tuple[str, str], object], inert: frozenset[str] = frozenset()
) -> object:
    """What a pickle holds.

    Args:
        path: the file.
        kind: what it should be, for messages: "file of arrays".
        known: by module and name what stands for it, beside NumPy's arrays; it is called as the pickle says.
        inert: top-level packages whose names become records.

    Raises:
        DGTalkerError: it is no such pickle, or names something else.
    """
    try:
        with path.open("rb") as file:
            return _Unpickler(file, known, inert).load()
    except (pickle.UnpicklingError, ValueError, KeyError, TypeError, AttributeError, EOFError, IndexError) as error:
        raise DGTalkerError(f"{path} is no {kind}: {error}.", _PUBLISHED) from error
    except (ImportError, MemoryError, OverflowError, RecursionError, RuntimeError, OSError) as error:
        raise DGTalkerError(f"{path} cannot be read: {error}.", _PUBLISHED) from error
