"""What is remembered of the keys that were generated for one datablock, and its text in the .blend. NumPy only."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from dgtalker_engine.errors import DGTalkerError

from .merge import Curve, Kept

STEP = 1 / 16384
"""To which values are rounded: less than animators see, and than `merge.TOLERANCE`."""

LARGEST = 1 << 28
"""Bytes of a ledger in memory."""

VERSION = 2
"""Of the text; 1 had all curves in its one line."""

Path = tuple[str, int]
"""A data path and an array index."""

_MOST_LINES = 300
"""Curves that need not be read again."""

_lines: WeakKeyDictionary[Curve, tuple[Path, str]] = WeakKeyDictionary()
"""The text of curves that have one."""

_read_before: dict[str, tuple[Path, Curve]] = {}
"""The latest lines, oldest first."""


@dataclass(frozen=True)
class Ledger:
    """The generated keys of one datablock.

    Attributes:
        first, last: the frames of what is spoken or played; fades lie around them.
        reach: frames beside the animator's keys in which theirs pass into what is generated.
        curves: by data path and array index.
    """

    first: int = 0
    last: int = -1
    reach: int = 3
    curves: Mapping[Path, Curve] = field(default_factory=dict)


def to_text(ledger: Ledger) -> str:
    """A ledger as text; values are rounded to STEP, but for a pose of the animator's that stays.

    A line for what belongs to all curves, and one for each curve: where one changes, the others cost nothing.
    """
    head = _packed({"version": VERSION, "range": [ledger.first, ledger.last, ledger.reach]})
    return "\n".join([head, *(_line(path, curve) for path, curve in ledger.curves.items())])


@lru_cache(maxsize=16)
def from_text(text: str) -> Ledger:
    """The ledger of a text; an empty text is an empty ledger.

    Raises:
        DGTalkerError: it is damaged.
    """
    if not text:
        return Ledger()
    try:
        first, *lines = text.split("\n")
        head, body = _unpacked(first)
        if head["version"] == 1:
            curves = _curves(head["curves"], body)
        elif head["version"] == VERSION:
            curves = _all(lines)
        else:
            raise ValueError("it comes from a later version")
        start, end, reach = map(int, head["range"])
        return Ledger(start, end, max(1, reach), curves)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, zlib.error) as error:
        raise DGTalkerError(
            f"What is known of generated keys cannot be read: {error}.",
            "Press Bake: the keys stay, as your own; delete those that Animate shall make anew.",
        ) from error


def _line(path: Path, curve: Curve) -> str:
    """A curve as text, known from then on as it will be read."""
    known_path, line = _lines.get(curve, (path, ""))
    if line and known_path == path:
        return line
    stays = _stays(curve.own)
    values = np.concatenate([curve.base, *([] if stays else [curve.own])])
    missing = np.isnan(values)
    steps = np.round(np.where(missing, 0.0, values).astype(np.float64) / STEP).astype(np.int64)
    # What is missing costs nothing where it continues what was before it.
    last = np.maximum.accumulate(np.where(missing, 0, np.arange(len(values))))
    changes = np.diff(steps[last] if len(steps) else steps, prepend=0).astype("<i4")
    # Bytes of equal weight side by side: the upper ones are nearly all alike.
    body = changes.view(np.uint8).reshape(-1, 4).T.tobytes() + np.packbits(missing).tobytes()
    kept = [[each.start, each.end, each.kind, each.before, each.after] for each in curve.kept]
    pose = float(curve.own[0]) if stays else None
    line = _packed([*path, curve.start, len(curve.base), kept, curve.covered, pose], body)
    rounded = np.where(missing, np.nan, steps * STEP).astype(np.float32)
    base, own = rounded[: len(curve.base)], curve.own if stays else rounded[len(curve.base) :]
    _remember(line, path, Curve(curve.start, base, own, curve.kept, curve.covered))
    _lines[curve] = path, line
    return line


def _all(lines: Sequence[str]) -> dict[Path, Curve]:
    curves: dict[Path, Curve] = {}
    size = 0
    for line in lines:
        path, curve = _read(line)
        curves[path] = curve
        size += 2 * curve.base.nbytes
        if size > LARGEST:
            raise ValueError("it is too large")
    return curves


def _read(line: str) -> tuple[Path, Curve]:
    if line not in _read_before:
        row, body = _unpacked(line)
        ((path, curve),) = _curves([row], body).items()
        _remember(line, path, curve)
    return _read_before[line]


def _remember(line: str, path: Path, curve: Curve) -> None:
    _lines[curve] = path, line
    _read_before.pop(line, None)
    _read_before[line] = path, curve
    while len(_read_before) > _MOST_LINES:
        del _read_before[next(iter(_read_before))]


def _packed(head: Any, body: bytes = b"") -> str:
    header = json.dumps(head, separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(len(header).to_bytes(4, "little") + header + body, 1)).decode()


def _unpacked(line: str) -> tuple[Any, bytes]:
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(base64.b64decode(line), LARGEST)
    if not unpacker.eof:
        raise ValueError("its end is missing")
    size = int.from_bytes(data[:4], "little")
    return json.loads(data[4 : 4 + size]), data[4 + size :]


def _stays(own: np.ndarray) -> bool:
    return len(own) > 0 and bool(np.all(own == own[0]))


def _curves(described: Any, body: bytes) -> dict[Path, Curve]:
    rows: list[tuple[Any, ...]] = [(*curve[:2], int(curve[2]), int(curve[3]), *curve[4:]) for curve in described]
    if any(row[3] < 0 for row in rows):
        raise ValueError("a curve has no length")
    count = sum(row[3] * (2 if row[6] is None else 1) for row in rows)
    changes = np.frombuffer(body[: 4 * count], np.uint8).reshape(4, count).T.copy().view("<i4").ravel()
    values = (np.cumsum(changes, dtype=np.int64) * STEP).astype(np.float32)
    values[np.unpackbits(np.frombuffer(body[4 * count :], np.uint8), count=count).astype(bool)] = np.nan
    curves: dict[Path, Curve] = {}
    place = 0
    for path, index, start, length, kept, covered, stays in rows:
        base = values[place : place + length]
        place += length
        own = values[place : place + length] if stays is None else np.full(length, float(stays), np.float32)
        place += length if stays is None else 0
        curves[str(path), int(index)] = Curve(
            start, base, own, tuple(_kept(each) for each in kept), tuple(tuple(map(float, row)) for row in covered)
        )
    return curves


def _kept(data: Any) -> Kept:
    start, end, kind, before, after = data
    if kind not in ("EDITED", "LOCKED", "OWN"):
        raise ValueError("it keeps something unknown")
    return Kept(int(start), int(end), kind, tuple(map(float, before)), tuple(map(float, after)))
