"""Tables of weights, a row a frame, as Live Link Face, Audio2Face and others write them."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from math import isfinite

import numpy as np

from ...errors import DGTalkerError
from ...rig import ARKIT_NAMES, HEAD_NAMES
from ..record import Performance
from . import livelink, names, timecode

_UNITS = {"timecode": 1.0, "time": 1.0, "timestamp": 1.0, "timestampms": 0.001, "timems": 0.001}
_MOST_VALUES = 1 << 26
_SLOWEST, _FASTEST = 0.1, 1000.0


def performance(lines: Iterator[str], fps: float | None) -> Performance:
    """A table as a Performance.

    Time comes from a column of time codes or seconds; rows without weights, where a face was lost, and steps that are
    not even are bridged in a straight line. Head turns are taken as radians, or degrees where they are beyond ±π;
    weights as parts of 1, or of 100 where they are beyond 10. Columns of words are passed over.

    Args:
        lines: of the table; read as they come, since hours of them are large.
        fps: frames per second where there are no times.

    Raises:
        DGTalkerError: no header with controls, a cell that is no number, or no way to tell the time.
    """
    table = _read(lines)
    times = None
    if table.unit is not None:
        every = _times(table.times, table.unit, table.decimal, fps)
        # A face that is lost at first does not make the recording start later.
        times = (every - every.min())[table.seen]
    weights, rate = _even(table.weights, times, fps)
    faces = [i for i, name in enumerate(table.names) if name in ARKIT_NAMES]
    if np.abs(weights[:, faces]).max() > 10.0:
        weights[:, faces] /= 100.0
    turns = [i for i, name in enumerate(table.names) if name in HEAD_NAMES]
    if turns:
        degrees = np.abs(weights[:, turns]).max() > np.pi
        weights[:, turns] *= np.radians(1.0) if degrees else 1.0
        weights[:, turns] *= [livelink.HEAD_SIGNS[table.names[i]] for i in turns]
    return Performance(rate, table.names, weights.astype(np.float32))


@dataclass(frozen=True, kw_only=True)
class _Table:
    """What a table holds.

    Attributes:
        names: of the columns of `weights`.
        weights: of the rows that have some, float64 (rows, names).
        unit: seconds that 1 means in the column of times; None where there is no such column.
        times: cells of that column, of each row that has one.
        seen: which of these rows has weights.
        decimal: what stands before decimals.
    """

    names: tuple[str, ...]
    weights: np.ndarray
    unit: float | None
    times: list[str]
    seen: list[bool]
    decimal: str


def _read(lines: Iterator[str]) -> _Table:
    rows, delimiter = _rows(lines)
    _, header = next(rows, (0, []))
    # Where commas stand before decimals, cells are parted by something else.
    decimal = "." if delimiter == "," else ","
    clock = next((i for i, cell in enumerate(header) if names.normalized(cell) in _UNITS), None)
    columns = {i: name for i, cell in enumerate(header) if i != clock and (name := names.canonical(cell))}
    last = max(columns, default=0)
    values = array("d")
    times: list[str] = []
    seen: list[bool] = []
    for number, row in rows:
        weighed = len(row) > last and any(row[i].strip() for i in columns)
        timed = clock is not None and len(row) > clock and bool(row[clock].strip())
        if weighed:
            if not values:
                columns = {i: name for i, name in columns.items() if names.control_of(name) or _is_number(row[i])}
                names.check(list(columns.values()))
            if clock is not None and not timed:
                raise DGTalkerError(f"Row {number} of the table has weights without a time.", "Export it again.")
            if len(values) > _MOST_VALUES:
                raise DGTalkerError(f"The table has more than {number} rows.", "Export a part of it.")
            values.extend(_numbers([row[i] for i in columns], decimal, number))
        if clock is not None and timed:
            times.append(row[clock])
            seen.append(weighed)
    names.check(list(columns.values()))
    if not values:
        raise DGTalkerError("There are no rows of weights below the names.", "Export it again.")
    weights = np.array(values).reshape(-1, len(columns))
    unit = None if clock is None else _UNITS[names.normalized(header[clock])]
    return _Table(names=tuple(columns.values()), weights=weights, unit=unit, times=times, seen=seen, decimal=decimal)


def _rows(lines: Iterator[str]) -> tuple[Iterator[tuple[int, list[str]]], str]:
    """The rows that are not empty with their numbers, the header first, and what parts their cells."""
    first = next(filter(str.strip, lines))
    delimiter = max(",;\t", key=first.count)

    def rows() -> Iterator[tuple[int, list[str]]]:
        try:
            for number, row in enumerate(csv.reader(chain([first], lines), delimiter=delimiter), 1):
                if any(row):
                    yield number, row
        except csv.Error as error:
            raise DGTalkerError(f"This table cannot be read: {error}.", "Export it again.") from error

    return rows(), delimiter


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _numbers(cells: list[str], decimal: str, number: int) -> list[float]:
    try:
        values = [float(cell) for cell in cells] if decimal == "." else [float(c.replace(",", ".")) for c in cells]
    except ValueError as error:
        raise DGTalkerError(f"Row {number} of the table: {error}.", "Export it again.") from error
    if not all(map(isfinite, values)):
        raise DGTalkerError(f"Row {number} of the table holds what is no finite number.", "Export it again.")
    return values


def _times(cells: list[str], unit: float, decimal: str, fps: float | None) -> np.ndarray:
    """Seconds of each row, float64 (rows,)."""
    if timecode.looks_like(cells[0]):
        return timecode.seconds(cells, fps)
    try:
        times = unit * np.array([float(cell.replace(decimal, ".")) for cell in cells])
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
