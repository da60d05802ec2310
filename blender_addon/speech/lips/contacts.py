"""P, B and M: where the lips do not close in the final motion, and a layer of keys that closes them.

The final motion is what Blender evaluates: generated keys, the animator's on top, drivers and correctives.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from dgtalker_engine.performance import Direction, Take
from dgtalker_engine.performance.direction import DirectionBlend, ease

from ... import animation_data
from ...head import model
from ...properties import speaker_properties
from ..keys import evaluation, nla
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
    misses = []
    for row, (start, end) in zip(rows, take.closures, strict=True):
        gaps = gap[np.searchsorted(frames, row)]
        if gaps.min() > TOLERANCE:
            misses.append(Miss(_phone(take, (start + end) / 2), int(row[gaps.argmin()]), float(gaps.min())))
    return misses


def mend(head: bpy.types.Object, take: Take, first: int, directions: Sequence[Direction]) -> None:
    """Closes the lips at every P, B and M that lacks it, anew."""
    close(head, take, first, directions, evaluation.finished(unmended_steps(head, take, first, directions)))


def unmended_steps(
    head: bpy.types.Object, take: Take, first: int, directions: Sequence[Direction]
) -> Generator[float, None, list[Miss]]:
    """`check_steps` as it would be without the layer; what was changed for it is back at the end."""
    with _unmended(head):
        return (yield from check_steps(head, take, first, directions))


def close(
    head: bpy.types.Object, take: Take, first: int, directions: Sequence[Direction], misses: Sequence[Miss]
) -> None:
    """Closes the lips at misses of `unmended_steps`, by keys on a layer above the speech; other keys stay.

    Where hand keys or drivers hold all that could close them, lips stay apart.
    """
    release(head)
    speaker_properties(head).mended = True
    key = model.key_of(head)
    if not misses or key is None:
        return
    missed = {miss.frame for miss in misses}
    spans = [span for span in _spans(take, first, directions) if missed & set(_frames(*span).tolist())]
    frames, amount = _envelope(spans, take, first)
    gap, names = gap_of(head, key), _names(head, key)
    free = _free(head, key)
    added: dict[str, np.ndarray] = {}
    for _ in range(PASSES):
        values = evaluation.weights(key, frames.tolist())
        for name, change in gap.closing(values, names, free).items():
            added[name] = added.get(name, 0.0) + change * amount
        curves = {name: np.zeros(take.frames, np.float32) for name in added}
        for name, curve in curves.items():
            curve[frames - first] = added[name]
        for part in speakers.meshes(head):
            _write(part, curves, first, first + take.frames - 1)


@contextlib.contextmanager
def _unmended(head: bpy.types.Object) -> Iterator[None]:
    """The speaker without its layer, for a moment."""
    key = model.key_of(head)
    generated = nla.find(key, nla.CONTACTS) if key else None
    muted = generated is not None and generated.track.mute
    if generated:
        generated.track.mute = True
    try:
        yield
    finally:
        with contextlib.suppress(ReferenceError):  # undo took the speaker away meanwhile
            generated = nla.find(key, nla.CONTACTS) if key else None
            if generated:
                generated.track.mute = muted


def mended(head: bpy.types.Object) -> bool:
    """Whether the lips of a speaker are kept closed by the layer."""
    return speaker_properties(head).mended


def release(head: bpy.types.Object) -> None:
    """Removes the layer."""
    speaker_properties(head).mended = False
    for part in speakers.meshes(head):
        key = model.key_of(part)
        if key is not None and nla.find(key, nla.CONTACTS):
            nla.remove(key, nla.CONTACTS)


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


def _free(head: bpy.types.Object, key: bpy.types.Key) -> set[str]:
    """Controls that the layer reaches: generated, and neither driven nor replaced by keys that lie above."""
    speech = nla.find(key)
    if speech is None:
        return set()
    generated = {path for path, _ in nla.moved(speech)}
    above = animation_data.driven(key)
    if animation_data.ensured(key).action_blend_type == "REPLACE":
        above |= {curve.data_path for curve in animation_data.active_curves(key)}
    paths = {
        control: key.key_blocks[name].path_from_id("value")
        for control, name in speakers.controls(head).items()
        if name in key.key_blocks
    }
    return {control for control, path in paths.items() if path in generated and path not in above}


def _write(part: bpy.types.Object, curves: dict[str, np.ndarray], first: int, last: int) -> None:
    key = model.key_of(part)
    names = speakers.controls(part)
    if key is None:
        return
    driven = animation_data.driven(key)
    blocks = {control: key.key_blocks.get(names.get(control, "")) for control in curves}
    paths: dict[str, str] = {name: block.path_from_id("value") for name, block in blocks.items() if block}
    moved: nla.Curves = {(path, 0): curves[control] for control, path in paths.items() if path not in driven}
    if moved:
        nla.write(key, f"Lip Contacts {part.name}", first, last, moved, part, nla.CONTACTS)


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


def _phone(take: Take, time: float) -> str:
    spoken = [phone for phone in take.phones if phone.name in SPOKEN]
    nearest = min(spoken, key=lambda phone: abs((phone.start + phone.end) / 2 - time), default=None)
    return nearest.name if nearest else SPOKEN[0]
