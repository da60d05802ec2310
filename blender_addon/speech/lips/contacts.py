"""P, B and M: where the lips do not close in the final motion, and how generated keys close them.

The final motion is what Blender evaluates: generated keys, the animator's between them, drivers and correctives.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from dgtalker_engine.performance import Direction, Performance, Take
from dgtalker_engine.performance.direction import DirectionBlend, ease

from ...head import model
from ...properties import speaker_properties
from ..keys import evaluation, generated, keyframes, places
from ..timeline import speakers
from . import lip_gap

TOLERANCE = 0.05
"""Gap, in parts of what jawOpen 1 opens, up to which lips look closed: 1 to 2 mm of a face."""

RAMP = 0.09
"""Seconds in which mended lips come together, and part again."""

PASSES = 2
"""Weights are clamped and correctives bend: what the first pass leaves the second one sees."""

SPOKEN = ("P", "B", "M")

_gaps: dict[tuple[int, int, int], lip_gap.LipGap] = {}


@dataclass(frozen=True)
class Miss:
    """A P, B or M at which the lips stay apart: the frame at which they come nearest, and how far they are apart."""

    phone: str
    frame: int
    gap: float


def check_steps(
    head: bpy.types.Object, take: Take, first: int, directions: Sequence[Direction]
) -> Generator[float, None, list[Miss]]:
    """Finds where the lips of a speaker's final motion stay apart; yields the fraction done."""
    key = model.key_of(head)
    if key is None or not len(take.closures):
        return []
    rows = [_frames(start, end) for start, end in _spans(take, first, directions)]
    frames = np.unique(np.concatenate(rows))
    gap = gap_of(head, key).of((yield from evaluation.weights_steps(key, frames.tolist())))
    yield 1.0
    phone = _spoken_at(take)
    misses = []
    for row, (start, end) in zip(rows, take.closures, strict=True):
        gaps = gap[np.searchsorted(frames, row)]
        if gaps.min() > TOLERANCE:
            misses.append(Miss(phone((start + end) / 2), int(row[gaps.argmin()]), float(gaps.min())))
    return misses


def mend_steps(
    head: bpy.types.Object,
    played: Performance,
    start: int,
    take: Take,
    first: int,
    directions: Sequence[Direction],
) -> Generator[object, None, None]:
    """Closes the lips at every P, B and M that lacks it in what was just written; see `close_steps`."""
    misses = yield from check_steps(head, take, first, directions)
    yield
    yield from close_steps(head, played, start, take, first, directions, misses)


def close_steps(
    head: bpy.types.Object,
    played: Performance,
    start: int,
    take: Take,
    first: int,
    directions: Sequence[Direction],
    misses: Sequence[Miss],
) -> Generator[object, None, None]:
    """Closes the lips at misses, by generated keys, in steps; the animator's own stay.

    Where her keys or drivers hold all that could close them, lips stay apart.

    Args:
        played, start: what the speaker's keys were written from, and its first frame.
        misses: of `check_steps` after that.
    """
    speaker_properties(head).mended = True
    key = model.key_of(head)
    if not misses or key is None:
        return
    missed = {miss.frame for miss in misses}
    spans = [span for span in _spans(take, first, directions) if missed & set(_frames(*span).tolist())]
    frames, amount = _envelope(spans, take, first)
    gap, names = gap_of(head, key), _names(head, key)
    rows = frames - start
    weights = played.weights.copy()
    for _ in range(PASSES):
        values = yield from evaluation.weights_steps(key, frames.tolist())
        free = yield from _free_steps(head, key, frames)
        free = {name: held for name, held in free.items() if name in played.names}
        for here in _alike(np.stack(list(free.values()), axis=1)):
            reached = {name for name, held in free.items() if held[here[0]]}
            for name, change in gap.closing(values[here], names, reached).items():
                weights[rows[here], played.names.index(name)] += change * amount[here]
        yield 1.0
        yield from keyframes.write_steps(head, Performance(played.fps, played.names, weights), start)


def mended(head: bpy.types.Object) -> bool:
    """Whether the lips of a speaker are kept closed."""
    return speaker_properties(head).mended


def release(head: bpy.types.Object) -> None:
    """Lets the lips be closed no longer, from the next writing on."""
    speaker_properties(head).mended = False


def gap_of(head: bpy.types.Object, key: bpy.types.Key) -> lip_gap.LipGap:
    """How a speaker's shape keys open its lips, measured on its mesh where that can be."""
    count = len(key.reference_key.points)
    source = (key.session_uid, len(key.key_blocks), count)
    if source not in _gaps:
        names = _names(head, key)
        coordinates: dict[str, np.ndarray] = {}
        for block in key.key_blocks:
            values = np.empty(3 * count, np.float32)
            block.points.foreach_get("co", values)
            coordinates[block.name] = values.reshape(-1, 3).astype(np.float64)
        deltas = {
            name or f"\n{block.name}": coordinates[block.name] - coordinates[block.relative_key.name]
            for name, block in zip(names, key.key_blocks, strict=True)
        }
        rest = coordinates[key.reference_key.name]
        _gaps.clear()
        _gaps[source] = lip_gap.measured(rest, deltas) or lip_gap.usual(names)
    return _gaps[source]


def _names(head: bpy.types.Object, key: bpy.types.Key) -> list[str | None]:
    """The control of each block."""
    control = {name: control for control, name in speakers.controls(head).items()}
    return [control.get(block.name) for block in key.key_blocks]


def _free_steps(
    head: bpy.types.Object, key: bpy.types.Key, frames: np.ndarray
) -> Generator[None, None, dict[str, np.ndarray]]:
    """Which controls are generated on which frames, bool (frames,) by control: what the animator holds is not moved."""
    generated_paths = {path for path, _ in places.ledger_of(key).curves}
    held: dict[str, np.ndarray] = {}
    for (path, _), kept in (yield from generated.kept_steps(key)):
        inside = (frames >= kept.start) & (frames <= kept.end)
        held[path] = held.get(path, np.zeros(len(frames), bool)) | inside
    paths = {
        control: key.key_blocks[name].path_from_id("value")
        for control, name in speakers.controls(head).items()
        if name in key.key_blocks
    }
    none = np.zeros(len(frames), bool)
    return {
        control: np.full(len(frames), path in generated_paths) & ~held.get(path, none)
        for control, path in paths.items()
    }


def _alike(marked: np.ndarray) -> list[np.ndarray]:
    """The rows of a bool array (rows, columns) that are equal to each other: where each set of them is."""
    packed = np.ascontiguousarray(np.packbits(marked, axis=1))
    _, which = np.unique(packed.view(np.dtype((np.void, packed.shape[1]))).ravel(), return_inverse=True)
    return [np.flatnonzero(which == i) for i in range(int(which.max()) + 1)]


def _spans(take: Take, first: int, directions: Sequence[Direction]) -> list[tuple[float, float]]:
    """When the lips are to touch, in frames."""
    middle = take.closures.mean(axis=1)
    row = np.clip(np.round(middle * take.fps).astype(int), 0, take.frames - 1)
    offset = DirectionBlend(directions, take.frames, take.fps).curve("offset")[row]
    spans = first + (take.closures + offset[:, None]) * take.fps
    return [(float(start), float(end)) for start, end in np.clip(spans, first, first + take.frames - 1)]


def _frames(start: float, end: float) -> np.ndarray:
    """The whole frames within a span, or the nearest one."""
    frames = np.arange(np.ceil(start), np.floor(end) + 1).astype(int)
    return frames if len(frames) else np.array([round((start + end) / 2)])


def _envelope(spans: Sequence[tuple[float, float]], take: Take, first: int) -> tuple[np.ndarray, np.ndarray]:
    """The frames around some spans, and how far each is to be closed, 0–1."""
    amount = np.zeros(take.frames)
    times = np.arange(take.frames) / take.fps
    for start, end in spans:
        inner = _frames(start, end)
        low, high = (inner[0] - first) / take.fps, (inner[-1] - first) / take.fps
        near = slice(max(0, int((low - RAMP) * take.fps)), int((high + RAMP) * take.fps) + 2)
        away = np.maximum(low - times[near], times[near] - high)
        amount[near] = np.maximum(amount[near], ease(1.0 - np.maximum(away, 0.0) / RAMP))
    rows = np.flatnonzero(amount)
    return rows + first, amount[rows]


def _spoken_at(take: Take) -> Callable[[float], str]:
    """The nearest P, B or M to a time."""
    spoken = [phone for phone in take.phones if phone.name in SPOKEN]
    middles = np.array([(phone.start + phone.end) / 2 for phone in spoken])
    return lambda time: spoken[int(np.abs(middles - time).argmin())].name if spoken else SPOKEN[0]
