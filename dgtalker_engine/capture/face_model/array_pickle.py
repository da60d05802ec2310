"""Pickles that hold arrays by name, as FLAME is published, read without running anything that they name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import DGTalkerError
from ..inert_pickle import Array, Record, read_inert


class _SparseMatrix(Record):
    """SciPy's csc_matrix."""

    def dense(self) -> np.ndarray:
        data, indices, starts = (_array(self.state[name]) for name in ("data", "indices", "indptr"))
        rows, columns = (int(n) for n in self.state.get("_shape", self.state.get("shape", ())))
        if len(starts) != columns + 1 or len(data) != len(indices):
            raise ValueError("a sparse matrix does not fit together")
        matrix = np.zeros((rows, columns))
        np.add.at(matrix, (indices, np.repeat(np.arange(columns), np.diff(starts))), data)
        return matrix


class _ChumpyArray(Record):
    """chumpy's Ch, whose numbers are its ``x``."""


_KNOWN: dict[tuple[str, str], object] = {
    **{(module, "csc_matrix"): _SparseMatrix for module in ("scipy.sparse.csc", "scipy.sparse._csc")},
    ("chumpy.ch", "Ch"): _ChumpyArray,
    ("builtins", "set"): set,
    ("__builtin__", "set"): set,
}


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a pickled dictionary by name; what is no array is left out.

    Raises:
        DGTalkerError: it is no such pickle, or names something that a file of arrays does not need.
    """
    found = read_inert(path, "file of arrays", _KNOWN)
    try:
        if not isinstance(found, dict):
            raise ValueError("it holds no dictionary")
        return {str(name): _array(value) for name, value in found.items() if _is_array(value)}
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise DGTalkerError(f"{path} is no file of arrays: {error}.", "Give the file as it was published.") from error


def _is_array(value: object) -> bool:
    return isinstance(value, Array | _SparseMatrix | _ChumpyArray)


def _array(value: object) -> np.ndarray:
    if isinstance(value, _SparseMatrix):
        return value.dense()
    if isinstance(value, _ChumpyArray):
        return _array(value.state["x"])
    if not isinstance(value, Array) or value.array is None:
        raise ValueError("something else stands where an array should")
    return value.array
