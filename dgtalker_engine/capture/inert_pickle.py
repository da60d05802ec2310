"""Pickles read without running anything that they name.

A pickle is a program, and models are published as pickles. A reader says which names its files need: the few whose
work is done here, by functions that do no more than what such files need, and the packages whose classes and functions
are replaced by inert records. Any other name ends the reading before anything has run.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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

    def __new__(cls, *given: object, **_: object) -> Record:
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


_reconstruct = np.zeros(1).__reduce__()[0]
_scalar = np.float64(0).__reduce__()[0]
_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")
_KNOWN: dict[tuple[str, str], object] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
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
