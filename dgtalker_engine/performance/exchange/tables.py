"""Tables of weights, a row a frame, as Live Link Face, Audio2Face and others write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from ...errors import DGTalkerError
from ...rig import ARKIT_NAMES, HEAD_NAMES
from ..record import Performance
from . import livelink, names, timecode

_UNITS = {"timecode": 1.0, "time": 1.0, "timestamp": 1.0, "timestampms": 0.001, "timems": 0.001}
_MOST_VALUES = 1 << 26
_SLOWEST, _FASTEST = 0.1, 1000.0

_Rows = Sequence[tuple[int, list[str]]]
"""Rows with their numbers in the file, from 1."""


def performance(text: str, fps: float | None) -> Performance:
    """A table as a Performance.

    Time comes from a column of time codes or seconds; rows without weights, where a face was lost, and steps that are
    not even are bridged in a straight line. Head turns are taken as radians, or degrees where they are beyond ±π;
    weights as parts of 1, or of 100 where they are beyond 10. Columns of words are passed over.

    Raises:
        DGTalkerError: no header with controls, a cell that is no number, or no way to tell the time.
    """
    header, rows, delimiter = _table(text)
    clock = next((i for i, cell in enumerate(header) if names.spelled(cell) in _UNITS), None)
    columns = {i: name for i, cell in enumerate(header) if i != clock and (name := names.ours(cell))}
    last = max(columns, default=0)
    seen = [(line, row) for line, row in rows if len(row) > last and any(row[i] for i in columns)]
    if seen:
        columns = {i: name for i, name in columns.items() if names.control_of(name) or _is_number(seen[0][1][i])}
    names.checked(list(columns.values()))
    if not seen:
        raise DGTalkerError("There are no rows of weights below the names.", "Export it again.")
    if len(seen) * len(columns) > _MOST_VALUES:
        raise DGTalkerError(f"The table has {len(seen)} rows of weights.", "Export a part of it.")
    weights = _numbers(seen, list(columns), delimiter)
    times = None
    if clock is not None:
        # A face that is lost at first does not make the recording start later.
        timed = [(line, row) for line, row in rows if len(row) > clock and row[clock]]
        every = _times(timed, clock, _UNITS[names.spelled(header[clock])], delimiter, fps)
        lines = {line for line, _ in seen}
        times = (every - every.min(initial=np.inf))[[line in lines for line, _ in timed]]
        if len(times) < len(seen):
            raise DGTalkerError("The table has rows of weights without a time.", "Export it again.")
    weights, rate = _even(weights, times, fps)
    found = list(columns.values())
    faces = [i for i, name in enumerate(found) if name in ARKIT_NAMES]
    if np.abs(weights[:, faces]).max() > 10.0:
        weights[:, faces] /= 100.0
    turns = [i for i, name in enumerate(found) if name in HEAD_NAMES]
    if turns:
        degrees = np.abs(weights[:, turns]).max() > np.pi
        weights[:, turns] *= np.radians(1.0) if degrees else 1.0
        weights[:, turns] *= [livelink.HEAD_SIGNS[found[i]] for i in turns]
    return Performance(rate, tuple(found), weights.astype(np.float32))


def _table(text: str) -> tuple[list[str], _Rows, str]:
    """The header, the rows that are not empty, and what parts their cells."""
    delimiter = max(",;\t", key=text.lstrip().split("\n", 1)[0].count)
    try:
        lines = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except csv.Error as error:
        raise DGTalkerError(f"This table cannot be read: {error}.", "Export it again.") from error
    rows = [(number, row) for number, row in enumerate(lines, 1) if any(row)]
    return rows[0][1], rows[1:], delimiter


def _number(cell: str, delimiter: str) -> float:
    # Where commas stand before decimals, cells are parted by something else.
    return float(cell if delimiter == "," else cell.replace(",", "."))


def _is_number(cell: str) -> bool:
    try:
        _number(cell, ";")
    except ValueError:
        return False
    return True


def _numbers(rows: _Rows, columns: list[int], delimiter: str) -> np.ndarray:
    """Cells of some columns as numbers, float64 (rows, columns)."""
    weights = np.empty((len(rows), len(columns)))
    for i, (line, row) in enumerate(rows):
        try:
            weights[i] = [_number(row[column], delimiter) for column in columns]
        except ValueError as error:
            raise DGTalkerError(
                f"Row {line} of the table holds something that is no number: {error}.", "Export it again."
            ) from error
    if not np.all(np.isfinite(weights)):
        line = rows[int(np.flatnonzero(~np.isfinite(weights).all(axis=1))[0])][0]
        raise DGTalkerError(f"Row {line} of the table holds a weight that is no finite number.", "Export it again.")
    return weights


def _times(rows: _Rows, column: int, unit: float, delimiter: str, fps: float | None) -> np.ndarray:
    """Seconds of each row, float64 (rows,)."""
    cells = [row[column] for _, row in rows]
    if cells and timecode.looks_like(cells[0]):
        return timecode.seconds(cells, fps)
    try:
        times = unit * np.array([_number(cell, delimiter) for cell in cells])
    except ValueError as error:
        raise DGTalkerError(
            f"The column of times holds something that is no time: {error}.", "It holds seconds, or HH:MM:SS:FF."
        ) from error
    if not np.all(np.isfinite(times)):
        raise DGTalkerError("The column of times holds something that is no finite number.", "Export it again.")
    return times


def _even(weights: np.ndarray, times: np.ndarray | None, fps: float | None) -> tuple[np.ndarray, float]:
    """Weights at an even rate, and the rate: that of the times, else `fps`."""
    if times is not None:
        order = np.argsort(times, kind="stable")
        times, weights = times[order], weights[order]
    rate = (None if times is None else timecode.rate(times)) or fps
    if rate is None:
        raise DGTalkerError("The table does not say when its frames are.", "Give its frames per second.")
    if not _SLOWEST <= rate <= _FASTEST:
        raise DGTalkerError(f"The table seems to run at {rate:g} frames per second.", "Its times are in seconds.")
    if times is None or len(times) == 1:
        return weights, float(rate)
    frames = round(float(times[-1] * rate)) + 1
    if frames * weights.shape[1] > _MOST_VALUES:
        raise DGTalkerError(f"The times of the table span {times[-1] / 3600:.0f} hours.", "Export a part of it.")
    even = np.arange(frames) / rate
    # A third of a frame is how far written times are rounded.
    if frames == len(times) and np.abs(even - times).max() < 0.34 / rate:
        return weights, float(rate)
    return np.stack([np.interp(even, times, column) for column in weights.T], axis=1), float(rate)
