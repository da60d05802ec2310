"""What the animator changed in a line goes where the line goes. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .merge import Curve, Kept, mask_of, runs

_TIMES = (0, 2, 4)
"""Columns of a key's rows that are times: its own and its handles'."""


@dataclass(frozen=True)
class Move:
    """Frames, from the first to the last of them, whose speech is now so many frames later; 0 where it stays, whatever
    else is made of it elsewhere."""

    start: int
    end: int
    by: int


@dataclass(frozen=True)
class Moved:
    """A curve of which parts were moved.

    Attributes:
        curve: what is remembered of it.
        rows: its keys, as `key_points.rows` has them.
        left: what could not go along, since there is something of the animator's in its new place: it stays.
    """

    curve: Curve
    rows: np.ndarray
    left: tuple[Kept, ...]


def goes(curve: Curve, moves: Sequence[Move]) -> bool:
    """Whether something that was edited or locked on a curve goes elsewhere."""
    return bool(_pieces(curve, moves))


def _pieces(curve: Curve, moves: Sequence[Move]) -> list[tuple[Kept, Move]]:
    """What goes elsewhere: the range that it is of, and its own frames."""
    return [
        (each, Move(max(each.start, move.start), min(each.end, move.end), move.by))
        for each in curve.kept
        for move in moves
        if move.by and each.kind != "OWN" and each.start <= move.end and move.start <= each.end
    ]


def moved(curve: Curve, rows: np.ndarray, moves: Sequence[Move], own: Callable[[int, int], np.ndarray]) -> Moved:
    """Moves, or copies, what was edited and locked on a curve.

    Args:
        curve: after `merge.detected`.
        rows: its keys; time is the first column.
        moves: at the same time.
        own: what the animator had there before on frames: the first of them and their number to float32 (frames,).
    """
    pieces = _pieces(curve, moves)
    if not pieces:
        return Moved(curve, rows, ())
    ends = [
        edge for _, piece in pieces for edge in (piece.start, piece.end, piece.start + piece.by, piece.end + piece.by)
    ]
    low = min(curve.start, *ends)
    count = max(curve.end, *ends) + 1 - low
    base = np.full(count, np.nan, np.float32)
    base[curve.start - low : curve.end + 1 - low] = curve.base
    stays = np.zeros(count, bool)
    for move in moves:
        if not move.by:
            stays[max(0, move.start - low) : max(0, move.end + 1 - low)] = True
    pieces, left = _with_room(
        pieces, stays, _hers(rows, base, low) | mask_of(curve.kept, low, count, "OWN"), curve, low
    )
    going = np.zeros(count, bool)
    for _, piece in pieces:
        going[piece.start - low : piece.end + 1 - low] = True
    going &= ~stays
    for each in left:
        going[each.start - low : each.end + 1 - low] = False
    kept = [part for each in curve.kept for part in _without(each, going, low)]
    gone = _on(rows, going, low)
    arrived = [rows[:0]]
    new = base.copy()
    for each, piece in pieces:
        here, there = (
            slice(edge - low, edge - low + piece.end + 1 - piece.start)
            for edge in (piece.start, piece.start + piece.by)
        )
        new[there] = base[here]
        place = np.zeros(count, bool)
        place[there] = True
        gone |= _on(rows, place, low)
        source = np.zeros(count, bool)
        source[here] = True
        copied = rows[_on(rows, source, low)].copy()
        copied[:, _TIMES] += piece.by
        arrived.append(copied)
        before = each.before if piece.start == each.start else ()
        after = each.after if piece.end == each.end else ()
        kept.append(Kept(piece.start + piece.by, piece.end + piece.by, each.kind, before, after))
    result = replace(
        curve, start=low, base=new, own=own(low, count), kept=tuple(sorted(kept, key=lambda each: each.start))
    )
    return Moved(result, np.concatenate([rows[~gone], *arrived]), tuple(left))


def _with_room(
    pieces: list[tuple[Kept, Move]], stays: np.ndarray, hers: np.ndarray, curve: Curve, low: int
) -> tuple[list[tuple[Kept, Move]], list[Kept]]:
    """The pieces whose new place is free, and what is left where it is for want of one."""
    left: list[Kept] = []
    while True:
        taken = hers.copy()
        going = np.zeros(len(taken), bool)
        for _, piece in pieces:
            going[piece.start - low : piece.end + 1 - low] = True
        taken |= mask_of(curve.kept, low, len(taken)) & (~going | stays)
        taken |= mask_of(left, low, len(taken))
        for number, (each, piece) in enumerate(pieces):
            there = slice(piece.start + piece.by - low, piece.end + piece.by + 1 - low)
            if taken[there].any():
                left.append(replace(each, start=piece.start, end=piece.end))
                del pieces[number]
                break
            taken[there] = True
        else:
            return pieces, left


def _hers(rows: np.ndarray, base: np.ndarray, low: int) -> np.ndarray:
    """bool: frames with a key on or beside them where none was generated."""
    mask = np.zeros(len(base), bool)
    for frames in (np.floor(rows[:, 0] + 1e-3), np.ceil(rows[:, 0] - 1e-3)):
        places = frames.astype(np.int64) - low
        mask[places[(places >= 0) & (places < len(base))]] = True
    return mask & np.isnan(base)


def _on(rows: np.ndarray, mask: np.ndarray, low: int) -> np.ndarray:
    """bool (keys,): those on marked frames; one between two frames belongs to the earlier, since what has it in common
    may go to different places."""
    places = np.floor(rows[:, 0] + 1e-3).astype(np.int64) - low
    inside = (places >= 0) & (places < len(mask))
    inside[inside] = mask[places[inside]]
    return inside


def _without(kept: Kept, going: np.ndarray, low: int) -> list[Kept]:
    """What of a kept range stays where it was."""
    if kept.kind == "OWN":
        return [kept]
    parts = []
    for first, last in runs(~going[kept.start - low : kept.end + 1 - low]):
        start, end = kept.start + first, kept.start + last
        before, after = kept.before if start == kept.start else (), kept.after if end == kept.end else ()
        parts.append(replace(kept, start=start, end=end, before=before, after=after))
    return parts
