"""What is remembered of the keys that were generated for one datablock, and its text in the .blend. NumPy only."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from dgtalker_engine.errors import DGTalkerError

from .merge import Curve, Kept

STEP = 1 / 16384
"""To which values are rounded: less than animators see, and than `merge.TOLERANCE`."""

LARGEST = 1 << 28
"""Bytes of a ledger in memory."""

Path = tuple[str, int]
"""A data path and an array index."""


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
    """A ledger as text; values are rounded to STEP, but for a pose of the animator's that stays."""
    curves = list(ledger.curves.items())
    arrays = [array for _, curve in curves for array in (curve.base, *([] if _stays(curve.own) else [curve.own]))]
    values = np.concatenate(arrays) if arrays else np.empty(0, np.float32)
    missing = np.isnan(values)
    steps = np.round(np.where(missing, 0.0, values).astype(np.float64) / STEP).astype(np.int64)
    # What is missing costs nothing where it continues what was before it.
    last = np.maximum.accumulate(np.where(missing, 0, np.arange(len(values))))
    changes = np.diff(steps[last] if len(steps) else steps, prepend=0).astype("<i4")
    head = {
        "version": 1,
        "range": [ledger.first, ledger.last, ledger.reach],
        "curves": [
            [
                *path,
                curve.start,
                len(curve.base),
                [[each.start, each.end, each.kind, each.before, each.after] for each in curve.kept],
                curve.covered,
                float(curve.own[0]) if _stays(curve.own) else None,
            ]
            for path, curve in curves
        ],
    }
    header = json.dumps(head, separators=(",", ":")).encode()
    # Bytes of equal weight side by side: the upper ones are nearly all alike.
    body = changes.view(np.uint8).reshape(-1, 4).T.tobytes() + np.packbits(missing).tobytes()
    return base64.b64encode(zlib.compress(len(header).to_bytes(4, "little") + header + body, 1)).decode()


def _stays(own: np.ndarray) -> bool:
    return len(own) > 0 and bool(np.all(own == own[0]))


@lru_cache(maxsize=16)
def from_text(text: str) -> Ledger:
    """The ledger of a text; an empty text is an empty ledger.

    Raises:
        DGTalkerError: it is damaged.
    """
    if not text:
        return Ledger()
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(text), LARGEST)
        if not unpacker.eof:
            raise ValueError("its end is missing")
        size = int.from_bytes(data[:4], "little")
        head = json.loads(data[4 : 4 + size])
        return _parsed(head, data[4 + size :])
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, zlib.error) as error:
        raise DGTalkerError(
            f"What is known of generated keys cannot be read: {error}.",
            "Press Bake: the keys stay, as your own; delete those that Animate shall make anew.",
        ) from error


def _parsed(head: Any, body: bytes) -> Ledger:
    if head["version"] != 1:
        raise ValueError("it comes from a later version")
    rows: list[tuple[Any, ...]] = [(*curve[:2], int(curve[2]), int(curve[3]), *curve[4:]) for curve in head["curves"]]
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
    first, last, reach = map(int, head["range"])
    return Ledger(first, last, max(1, reach), curves)


def _kept(data: Any) -> Kept:
    start, end, kind, before, after = data
    if kind not in ("EDITED", "LOCKED", "OWN"):
        raise ValueError("it keeps something unknown")
    return Kept(int(start), int(end), kind, tuple(map(float, before)), tuple(map(float, after)))
