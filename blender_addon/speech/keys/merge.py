"""The three-way merge of one curve: what was generated, what stands there now, what is generated anew. NumPy only.

Frames are whole numbers. An array over frames belongs to a first frame; NaN means that no generated key is there.
docs/keys.md says why it is done in this way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

TOLERANCE = 2e-4
"""Differences up to which a key still has the value that was generated; ledgers round to a third of it."""

Kind = Literal["EDITED", "LOCKED", "OWN"]


@dataclass(frozen=True)
class Kept:
    """Frames of a curve that generated keys stay out of.

    Attributes:
        start, end: the first and the last of these frames.
        kind: EDITED by the animator, LOCKED by her, or between keys that were her OWN before.
        before, after: what was generated beside it when she edited it, from the nearest frame outwards.
    """

    start: int
    end: int
    kind: Kind = "EDITED"
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Curve:
    """What is remembered of a curve; one that was changed is another one.

    Attributes:
        start: the frame of the arrays' first value.
        base: the generated values, float32 (frames,). Where a key was EDITED, the value that would be there.
        own: what the animator had there before, float32 (frames,).
        kept: in order of frames, without overlaps.
        covered: rows of her keys that were taken away for speech, as `key_points` reads them.
    """

    start: int
    base: np.ndarray
    own: np.ndarray
    kept: tuple[Kept, ...] = ()
    covered: tuple[tuple[float, ...], ...] = ()

    @property
    def end(self) -> int:
        return self.start + len(self.base) - 1


EMPTY = Curve(0, np.empty(0, np.float32), np.empty(0, np.float32))


@dataclass(frozen=True)
class Keys:
    """The keys of a curve as they are now, by time.

    Attributes:
        times, values: float64 (keys,).
        plain: bool (keys,), False where their interpolation, handles or type are not those of generated keys.
    """

    times: np.ndarray = field(default_factory=lambda: np.empty(0))
    values: np.ndarray = field(default_factory=lambda: np.empty(0))
    plain: np.ndarray = field(default_factory=lambda: np.empty(0, bool))

    @property
    def on_frames(self) -> np.ndarray:
        """bool (keys,): at a whole frame."""
        return np.abs(self.times - np.round(self.times)) < 1e-3


@dataclass(frozen=True)
class Merged:
    """What is to be done with a curve.

    Attributes:
        curve: what is to be remembered.
        frames, values: generated keys to be written, int64 and float32 (keys,).
        removed: bool, which of the present keys go; those that are written over count as removed.
    """

    curve: Curve
    frames: np.ndarray
    values: np.ndarray
    removed: np.ndarray


def detected(curve: Curve, keys: Keys, reach: int) -> Curve:
    """A curve with what the animator changed since it was written among what is kept.

    Keys are compared with what was generated: changed in value or kind, missing, or added between frames.
    """
    count = len(curve.base)
    generated = ~np.isnan(curve.base)
    row = np.full(count, -1)
    place = np.round(keys.times).astype(np.int64) - curve.start
    inside = (place >= 0) & (place < count)
    usual = np.flatnonzero(inside & keys.on_frames)
    row[place[usual]] = usual
    with np.errstate(invalid="ignore"):
        same = np.zeros(count, bool)
        there = np.flatnonzero(row >= 0)
        same[there] = keys.plain[row[there]] & (np.abs(keys.values[row[there]] - curve.base[there]) <= TOLERANCE)
    changed = generated & ~same
    for time in keys.times[~keys.on_frames]:
        for frame in (int(np.floor(time)), int(np.ceil(time))):
            if 0 <= frame - curve.start < count and generated[frame - curve.start]:
                changed[frame - curve.start] = True
    changed &= ~mask_of(curve.kept, curve.start, count)
    if not changed.any():
        return curve
    others = [each for each in curve.kept if each.kind != "EDITED"]
    edited = [each for each in curve.kept if each.kind == "EDITED"]
    whole = changed | mask_of(edited, curve.start, count)
    by_start, by_end = {each.start: each for each in edited}, {each.end: each for each in edited}
    beside = np.where(generated & ~whole, curve.base, curve.own)
    for first, last in runs(whole):
        start, end = curve.start + first, curve.start + last
        before = by_start[start].before if start in by_start else _beside(beside, first - 1, -1, reach)
        after = by_end[end].after if end in by_end else _beside(beside, last + 1, 1, reach)
        others.append(Kept(start, end, "EDITED", before, after))
    return replace(curve, kept=tuple(sorted(others, key=lambda each: each.start)))


def merged(curve: Curve, keys: Keys, start: int, new: np.ndarray, own: np.ndarray, reach: int) -> Merged:
    """Writes a curve anew around what the animator made of it.

    Where she changed something her keys stay as they are, and the `reach` frames beside them pass from what she saw
    there into what is new: no step arises that was not there before.

    Args:
        curve: what is remembered, after `detected`.
        start: the frame of the arrays' first value; they reach `reach` + 1 frames beyond all that is remembered.
        new: the generated values, float32 (frames,), NaN where there are none.
        own: what she had there before, float32 (frames,).
    """
    count = len(new)
    base = np.full(count, np.nan, np.float32)
    base[curve.start - start : curve.start - start + len(curve.base)] = curve.base
    foreign = _foreign(keys, start, base)
    kept = [each for each in curve.kept if each.kind != "OWN" and _stays(each, keys, start, new)]
    mask = mask_of(kept, start, count)
    mine = [Kept(start + a, start + b, "OWN") for a, b in _hulls(foreign, ~np.isnan(new) & np.isnan(base) & ~mask)]
    write = new.astype(np.float32).copy()
    for each in [*kept, *mine]:
        for frame, value, weight in _beside_frames(each, own, start, reach):
            silent = np.isnan(write[frame - start])
            if not (silent and each.kind == "OWN"):
                below = own[frame - start] if silent else write[frame - start]
                write[frame - start] = below + weight * (value - below)
    every = tuple(sorted([*kept, *mine], key=lambda each: each.start))
    mask = mask_of(every, start, count)
    write[mask | foreign] = np.nan
    rows = np.round(keys.times).astype(np.int64) - start
    inside = keys.on_frames & (rows >= 0) & (rows < count)
    removed = np.zeros(len(keys.times), bool)
    removed[inside] = ((~np.isnan(base) & ~mask) | ~np.isnan(write))[rows[inside]]
    now = np.where(mask_of(kept, start, count, "EDITED"), new, write)
    now = np.where(mask_of(kept, start, count, "LOCKED"), base, now)
    frames = np.flatnonzero(~np.isnan(write))
    return Merged(
        _trimmed(Curve(start, now.astype(np.float32), own.astype(np.float32), every, curve.covered)),
        frames + start,
        write[frames],
        removed,
    )


def released(curve: Curve, first: float, last: float, kinds: Iterable[Kind]) -> Curve:
    """A curve without what is kept of some kinds in a range: the next merge writes there again."""
    given = tuple(kinds)
    kept: list[Kept] = []
    for each in curve.kept:
        if each.kind not in given or each.end < first or each.start > last:
            kept.append(each)
            continue
        if each.start < first:
            kept.append(replace(each, end=int(np.ceil(first)) - 1, after=()))
        if each.end > last:
            kept.append(replace(each, start=int(np.floor(last)) + 1, before=()))
    return replace(curve, kept=tuple(kept))


def locked(curve: Curve, first: int, last: int, reach: int) -> Curve:
    """A curve whose generated keys in a range stay as they are from now on; what was edited there is kept already."""
    count = len(curve.base)
    frames = np.arange(curve.start, curve.start + count)
    kept_already = mask_of(curve.kept, curve.start, count)
    free = (frames >= first) & (frames <= last) & ~np.isnan(curve.base) & ~kept_already
    beside = np.where(np.isnan(curve.base), curve.own, curve.base)
    new = [
        Kept(
            curve.start + a,
            curve.start + b,
            "LOCKED",
            _beside(beside, a - 1, -1, reach),
            _beside(beside, b + 1, 1, reach),
        )
        for a, b in runs(free)
    ]
    return replace(curve, kept=tuple(sorted([*curve.kept, *new], key=lambda each: each.start)))


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """The first and the last row of each stretch that is True."""
    edges = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def mask_of(kept: Iterable[Kept], start: int, count: int, kind: Kind | None = None) -> np.ndarray:
    """bool (count,): the frames from `start` on that are kept."""
    mask = np.zeros(count, bool)
    for each in kept:
        if kind in (None, each.kind):
            mask[max(0, each.start - start) : max(0, each.end + 1 - start)] = True
    return mask


def _stays(kept: Kept, keys: Keys, start: int, new: np.ndarray) -> bool:
    """False where nothing is left to be kept: keys that were deleted where there is no speech any more."""
    if np.any((keys.times > kept.start - 1) & (keys.times < kept.end + 1)):
        return True
    return not np.all(np.isnan(new[max(0, kept.start - start) : max(0, kept.end + 1 - start)]))


def _foreign(keys: Keys, start: int, base: np.ndarray) -> np.ndarray:
    """bool: frames with a key on or beside them that was not generated, and where none was."""
    mask = np.zeros(len(base), bool)
    whole = np.round(keys.times[keys.on_frames]).astype(np.int64)
    between = keys.times[~keys.on_frames]
    for frames in (whole, np.floor(between).astype(np.int64), np.ceil(between).astype(np.int64)):
        rows = frames - start
        mask[rows[(rows >= 0) & (rows < len(base))]] = True
    return mask & np.isnan(base)


def _hulls(marked: np.ndarray, within: np.ndarray) -> Iterator[tuple[int, int]]:
    """From the first to the last marked row of each stretch of `within`."""
    for first, last in runs(within) if marked.any() else ():
        rows = np.flatnonzero(marked[first : last + 1])
        if len(rows):
            yield first + int(rows[0]), first + int(rows[-1])


def _beside(values: np.ndarray, row: int, step: int, reach: int) -> tuple[float, ...]:
    """Up to `reach` values from a row outwards."""
    rows = [row + step * i for i in range(reach)]
    return tuple(float(values[i]) for i in rows if 0 <= i < len(values))


def _beside_frames(kept: Kept, own: np.ndarray, start: int, reach: int) -> Iterator[tuple[int, float, float]]:
    """The frames beside what is kept, what was seen there, and how much of it stays, from 1 down to 0."""
    for edge, step, seen in ((kept.start, -1, kept.before), (kept.end, 1, kept.after)):
        for i in range(reach + 1):
            frame = edge + step * (i + 1)
            row = frame - start
            if not 0 <= row < len(own):
                return
            share = 1.0 - i / reach
            weight = share * share * (3.0 - 2.0 * share)
            if kept.kind == "OWN":
                yield frame, float(own[row]), weight
            elif i < len(seen):
                yield frame, seen[i], weight
            else:
                yield frame, 0.0, 0.0


def _trimmed(curve: Curve) -> Curve:
    """Without what nothing is remembered of at both ends."""
    used = ~np.isnan(curve.base) | mask_of(curve.kept, curve.start, len(curve.base))
    rows = np.flatnonzero(used)
    if not len(rows):
        return curve if curve.covered else EMPTY
    first, last = int(rows[0]), int(rows[-1]) + 1
    return replace(curve, start=curve.start + first, base=curve.base[first:last], own=curve.own[first:last])
