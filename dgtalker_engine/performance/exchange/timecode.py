"""Time codes: hours, minutes, seconds and frames to seconds, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ...errors import DGTalkerError

_CODE = re.compile(r"^\s*(\d{1,6}):(\d\d?):(\d\d?)(?:([:;])(\d{1,4})|(\.)(\d{1,18}))(?:[.,](\d{1,18}))?\s*$", re.ASCII)

_COUNTS = (24, 25, 30, 48, 50, 60, 90, 100, 120, 240, 1000)
_RATES = (23.976, 24.0, 25.0, 29.97, 30.0, 48.0, 50.0, 59.94, 60.0, 90.0, 100.0, 120.0, 240.0)
_EXACT = {23.976: 24000 / 1001, 29.97: 30000 / 1001, 59.94: 60000 / 1001}
_PHONE = 60
"""Frames a second that Live Link Face counts unless it is told otherwise."""


def looks_like(text: str) -> bool:
    return _CODE.match(text) is not None


def seconds(codes: Sequence[str], count: float | None) -> np.ndarray:
    """Time codes in seconds, float64 (n,).

    Args:
        codes: ``HH:MM:SS:FF.fff``; a ``;`` before the frames says that numbers are dropped to keep 29.97 or 59.94
            frames a second in time with the clock; ``HH:MM:SS.fff`` has decimals of a second.
        count: frames of a second; found from the greatest number of a frame where it is not given or less than that.

    Raises:
        DGTalkerError: a code that is none.
    """
    whole = np.empty(len(codes))
    frames = np.empty(len(codes))
    separator = ":"
    for i, code in enumerate(codes):
        match = _CODE.match(code)
        if match is None:
            raise DGTalkerError(f"{code!r} in row {i + 2} is no time code.", "It is written HH:MM:SS:FF.")
        hours, minutes, second, counting, frame, point, decimals, fraction = match.groups()
        separator, frame = counting or point, frame or decimals
        whole[i] = 3600 * int(hours) + 60 * int(minutes) + int(second)
        frames[i] = float(f"0.{frame}") if separator == "." else float(f"{frame}.{fraction or 0}")
    # A recording that passes midnight goes on.
    whole += 86400.0 * np.cumsum(np.diff(whole, prepend=whole[:1]) < -43200)
    if separator == ".":
        return whole + frames
    counted = round(count) if count and round(count) > frames.max() else _count(whole, frames)
    if separator == ";":
        minutes = whole // 60
        dropped = counted // 15 * (minutes - minutes // 10)
        return (whole * counted + frames - dropped) * 1001 / (1000 * counted)
    return whole + frames / counted


def _count(whole: np.ndarray, frames: np.ndarray) -> int:
    """How many frames a second has, from the numbers that come before a new second; within one second, a phone's."""
    turned = len(np.unique(whole)) > 1
    highest = np.floor(frames.max())
    return next(count for count in (*_COUNTS, int(highest) + 1) if count > highest and (turned or count >= _PHONE))


def rate(times: np.ndarray) -> float | None:
    """Frames per second of times with a nearly even step, a usual rate where it is near one; None for a single time."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    if len(steps) == 0:
        return None
    step = float(np.sort(steps)[len(steps) // 2])
    # Frames may be lost, and written times are rounded: over the whole length both hardly count.
    whole = float(steps[np.abs(steps - step) < 0.5 * step].mean())
    measured = 1.0 / whole
    usual = min(_RATES, key=lambda each: abs(each - measured))
    accuracy = max(3e-4, 1e-3 / max(len(steps) * step, 1e-9)) if len(steps) > 8 else 0.02
    return _EXACT.get(usual, usual) if abs(usual - measured) < min(accuracy, 0.02) * usual else measured


def code(frame: int, fps: float) -> str:
    """The time code of a frame: true to the clock also where `fps` is no whole number."""
    count = max(round(fps), 1)
    if abs(fps - count) < 1e-9:
        whole, fraction = divmod(frame, count)
        thousandths = 1000 * fraction
    else:
        whole, thousandths = divmod(round(frame / fps * count * 1000), count * 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}:{thousandths // 1000:02d}.{thousandths % 1000:03d}"
