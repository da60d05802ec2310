"""Pickles that hold arrays, read without running anything that they name.

FLAME is published as a pickle, and a pickle is a program. This reader knows the few names that such a file needs and
puts inert records where SciPy's and chumpy's classes stand; any other name ends the reading.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DGTalkerError


class _Record:
    """Stands where a pickle names a class: keeps the state and does nothing."""

    def __init__(self, *_: object) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        self.state = state if isinstance(state, dict) else {}


class _SparseMatrix(_Record):
    """SciPy's csc_matrix."""

    def dense(self) -> np.ndarray:
        data, indices, starts = (np.asarray(self.state[name]) for name in ("data", "indices", "indptr"))
        rows, columns = (int(n) for n in self.state.get("_shape", self.state.get("shape", ())))
        if len(starts) != columns + 1 or len(data) != len(indices):
            raise ValueError("a sparse matrix does not fit together")
        matrix = np.zeros((rows, columns))
        np.add.at(matrix, (indices, np.repeat(np.arange(columns), np.diff(starts))), data)
        return matrix


class _ChumpyArray(_Record):
    """chumpy's Ch, whose numbers are its ``x``."""


def _new(kind: type, base: object, state: object) -> _Record:
    """What copyreg._reconstructor does, for records alone."""
    if not (isinstance(kind, type) and issubclass(kind, _Record)):
        raise pickle.UnpicklingError("it makes something else than arrays")
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
    **{(module, "csc_matrix"): _SparseMatrix for module in ("scipy.sparse.csc", "scipy.sparse._csc")},
    ("chumpy.ch", "Ch"): _ChumpyArray,
    ("copyreg", "_reconstructor"): _new,
    ("copy_reg", "_reconstructor"): _new,
    ("builtins", "object"): object,
    ("__builtin__", "object"): object,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return _KNOWN[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module_name}.{global_name}") from None


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a pickled dictionary by name; what is no array is left out.

    Raises:
        DGTalkerError: it is no such pickle, or names something that a file of arrays does not need.
    """
    try:
        with path.open("rb") as file:
            found = _Unpickler(file, encoding="latin1").load()
        if not isinstance(found, dict):
            raise ValueError("it holds no dictionary")
        return {str(name): _array(value) for name, value in found.items() if _is_array(value)}
    except (pickle.UnpicklingError, ValueError, KeyError, TypeError, AttributeError, EOFError, IndexError) as error:
        raise DGTalkerError(f"{path} is no file of arrays: {error}.", "Give the file as it was published.") from error
    except (ImportError, MemoryError, OverflowError, OSError) as error:
        raise DGTalkerError(f"{path} cannot be read: {error}.", "Give the file as it was published.") from error


def _is_array(value: object) -> bool:
    return isinstance(value, np.ndarray | _SparseMatrix | _ChumpyArray)


def _array(value: object) -> np.ndarray:
    if isinstance(value, _SparseMatrix):
        return value.dense()
    array = np.asarray(value.state["x"] if isinstance(value, _ChumpyArray) else value)
    if array.dtype.hasobject:
        raise ValueError("an array holds objects")
    return array
