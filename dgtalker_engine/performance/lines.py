"""Lines: parts of takes, cut out of them and laid into a new one at other times, without hearing them again."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .direction import ease
from .take import Line, Phone, Take, Word

CUT = 0.08
"""Seconds over which the mouth passes from one line to the next, or comes to rest where a line is cut."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Laid:
    """A line at its place in a take.

    Attributes:
        take: what was heard of it, `cut_out`.
        origin: the second of the new take at which that begins.
        start, end: seconds of the new take within which it plays.
    """

    take: Take
    origin: float
    start: float
    end: float


def cut_out(take: Take, start: float, end: float, seed: int) -> tuple[Take, int]:
    """A line as a take of its own.

    Args:
        take: without words that were moved.
        start, end: seconds of `take`, as far as the line reaches.
        seed: of its own movements.

    Returns:
        the line, and the frame of `take` at which it begins.
    """
    first = max(0, int(np.floor((start - CUT / 2) * take.fps + 1e-6)))
    last = min(take.frames, int(np.ceil((end + CUT / 2) * take.fps - 1e-6)) + 1)
    later, duration = first / take.fps, min(take.duration, last / take.fps) - first / take.fps
    return (
        dataclasses.replace(
            take,
            duration=max(duration, 0.0),
            weights=take.weights[first:last],
            seed=seed,
            lines=(),
            **_shifted(take, start, end, -later),
        ),
        first,
    )


def laid_out(lines: Sequence[Laid], frames: int, fps: float, seed: int) -> Take:
    """One take of lines, which pass into each other where they touch; silence elsewhere.

    Args:
        lines: at least one, by when they start, of `fps`.
        frames: of the new take.
        seed: of what moves between lines.
    """
    names = tuple(dict.fromkeys(name for line in lines for name in line.take.names))
    weights = np.zeros((frames, len(names)), np.float32)
    total = np.zeros(frames, np.float32)
    parts = [_shifted(line.take, line.start - line.origin, line.end - line.origin, line.origin) for line in lines]
    for line in lines:
        first = max(0, int(np.floor((line.start - CUT / 2) * fps)))
        last = min(frames, int(np.ceil((line.end + CUT / 2) * fps)) + 1)
        times = np.arange(first, last) / fps
        share = (ease((times - line.start) / CUT + 0.5) - ease((times - line.end) / CUT + 0.5)).astype(np.float32)
        total[first:last] += share
        columns = [names.index(name) for name in line.take.names]
        weights[first:last, columns] += share[:, None] * _sampled(line.take, (times - line.origin) * fps)
    weights /= np.maximum(total, 1.0)[:, None]
    together = {name: [each for part in parts for each in part[name]] for name in ("phones", "words")}
    events = {
        name: np.concatenate([part[name] for part in parts])
        for name in ("utterances", "pauses", "syllables", "closures", "bites")
    }
    return Take(
        fps=fps,
        duration=frames / fps,
        names=names,
        weights=weights,
        phones=tuple(_in_order(together["phones"])),
        words=tuple(_in_order(together["words"])),
        utterances=_whole(events["utterances"]),
        pauses=_between(events["utterances"], events["pauses"], frames / fps),
        syllables=events["syllables"][np.argsort(events["syllables"][:, 0], kind="stable")],
        closures=events["closures"],
        bites=events["bites"],
        seed=seed,
        lines=_uncut(lines),
    )


def silence(frames: int, fps: float, seed: int) -> Take:
    """A take in which nothing is said."""
    none = np.zeros((0, 2))
    return Take(
        fps=fps,
        duration=frames / fps,
        names=(),
        weights=np.zeros((frames, 0), np.float32),
        phones=(),
        utterances=none,
        pauses=np.array([[0.0, frames / fps]]),
        syllables=np.zeros((0, 3)),
        closures=none,
        bites=none,
        seed=seed,
    )


def lengthened(take: Take, before: int, after: int) -> Take:
    """A take with that many frames of silence before and after it."""
    later, duration = before / take.fps, take.duration + (before + after) / take.fps
    shifted = _shifted(take, -np.inf, np.inf, later)
    moved = (
        dataclasses.replace(line, start=line.start + later, end=line.end + later, origin=line.origin + later)
        for line in take.lines
    )
    return dataclasses.replace(
        take,
        duration=duration,
        weights=np.pad(take.weights, ((before, after), (0, 0))),
        lines=tuple(moved),
        **{**shifted, "pauses": _between(take.utterances + later, take.pauses + later, duration)},
    )


def _uncut(lines: Sequence[Laid]) -> tuple[Line, ...]:
    """Lines of a take; the parts of one that was cut, and not parted, are one."""
    found: list[Line] = []
    before: Laid | None = None
    for line in lines:
        if (
            before is not None
            and before.take is line.take
            and max(abs(before.origin - line.origin), abs(before.end - line.start)) < 1e-3
        ):
            found[-1] = dataclasses.replace(found[-1], end=line.end)
        else:
            found.append(
                Line(
                    start=line.start,
                    end=line.end,
                    origin=line.origin,
                    duration=line.take.duration,
                    seed=line.take.seed,
                    utterances=line.take.utterances,
                    syllables=line.take.syllables,
                )
            )
        before = line
    return tuple(found)


def seed_of(seed: int, number: int) -> int:
    """The seed of a line of what was heard at once: that of the whole for the first."""
    if not number:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} {number}".encode()).digest()[:8], "little")


def _sampled(take: Take, frames: np.ndarray) -> np.ndarray:
    """Weights at frames of a take, whole or not, float32 (n, names); rest beyond its ends."""
    whole = np.round(frames)
    if np.allclose(frames, whole, atol=1e-3):
        rows = whole.astype(np.int64)
        inside = (rows >= 0) & (rows < take.frames)
        found = np.zeros((len(frames), len(take.names)), np.float32)
        found[inside] = take.weights[rows[inside]]
        return found
    known = np.arange(take.frames)
    columns = [np.interp(frames, known, column, left=0.0, right=0.0) for column in take.weights.T]
    return np.stack(columns, axis=1).astype(np.float32)


def _shifted(take: Take, start: float, end: float, later: float) -> dict[str, list | np.ndarray | tuple]:
    """What happens in a take from `start` to `end`, as fields of another in which it happens `later`."""

    def middle(events: np.ndarray) -> np.ndarray:
        return events[(events.mean(axis=1) >= start) & (events.mean(axis=1) < end)] + later

    def clipped(events: np.ndarray) -> np.ndarray:
        events = np.clip(events, start, end)
        return events[events[:, 1] - events[:, 0] > 1e-6] + later

    syllables = take.syllables[(take.syllables[:, 0] >= start) & (take.syllables[:, 0] < end)] + [later, 0.0, 0.0]
    phones = [(name, max(a, start), min(b, end)) for name, a, b in take.phones if b > start and a < end]
    words = [word for word in take.words if start <= (word.start + word.end) / 2 < end]
    return {
        "phones": tuple(Phone(name, a + later, b + later) for name, a, b in phones),
        "words": tuple(Word(word.name, word.start + later, word.end + later) for word in words),
        "utterances": clipped(take.utterances),
        "pauses": clipped(take.pauses),
        "syllables": syllables,
        "closures": middle(take.closures),
        "bites": middle(take.bites),
    }


def _in_order(spoken: list) -> list:
    """By time and without overlap: of lines that overlap, the later one is cut."""
    ordered, clock = [], -np.inf
    for each in sorted(spoken, key=lambda each: each.start):
        if each.end > clock:
            ordered.append(each._replace(start=max(each.start, clock)))
            clock = each.end
    return ordered


def _whole(spans: np.ndarray) -> np.ndarray:
    """Spans in order, joined where a cut has parted them."""
    joined: list[list[float]] = []
    for start, end in spans[np.argsort(spans[:, 0], kind="stable")].tolist():
        if joined and start - joined[-1][1] < 1e-3:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return np.array(joined).reshape(-1, 2)


def _between(utterances: np.ndarray, pauses: np.ndarray, duration: float) -> np.ndarray:
    """Pauses within lines, and the silence between and around them, (n, 2)."""
    spoken = _whole(utterances)
    edges = np.concatenate([[0.0], spoken.ravel(), [duration]]).reshape(-1, 2)
    silent = np.concatenate([pauses, edges[edges[:, 1] - edges[:, 0] > 1e-3]])
    return _whole(silent)
