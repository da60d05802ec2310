"""Where a speaker looks: at an object, another head's eyes, or the camera, laid over what it performs."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from dataclasses import dataclass

import bpy
import numpy as np

from dgtalker_engine.performance import Performance
from dgtalker_engine.performance.gaze import looking_at
from dgtalker_engine.rig import HEAD_NAMES

from ... import animation_data
from ...head import model
from ...properties import speaker_properties
from ..keys import evaluation, nods
from ..stepwise import Aside, awaited
from ..timeline import speakers
from . import storage

AMOUNT = "look_at_amount"

_BETWEEN_EYES = (0.0, -0.09, 0.03)
"""In head space, metres: where a mesh does not tell."""


@dataclass(frozen=True, eq=False)
class Look:
    """Where a speaker looks on some frames.

    Attributes:
        span: the frames.
        target: from between the eyes to what is looked at, float64 (frames, 3).
        amount: how much of it counts, 0–1, float64 (frames,).
        head_share: how much of the way the head turns, 0–1.
    """

    span: range
    target: np.ndarray
    amount: np.ndarray
    head_share: float

    @property
    def digest(self) -> list[str]:
        """What tells whether keys look there."""
        numbers = np.round(np.concatenate([self.target, self.amount[:, None]], axis=1), 5)
        numbers += 0.0  # of -0.0
        return [hashlib.sha256(numbers.tobytes()).hexdigest(), f"{self.head_share:.4f}"]


def over_steps(
    head: bpy.types.Object, played: Performance, first: int
) -> Generator[object, None, tuple[Performance, Look | None]]:
    """What a speaker plays from frame `first` on, with its eyes on its target, and where that is; None: it has none."""
    look = yield from look_steps(head, range(first, first + played.frames))
    if look is None:
        return played, None
    turns = nods.has_moving_neck(head) and set(HEAD_NAMES) <= set(played.names)
    share = look.head_share if turns else None
    looking = Aside(lambda: looking_at(played, look.target, look.amount, share), "Looking")
    return (yield from awaited(looking)), look


def look_steps(head: bpy.types.Object, span: range) -> Generator[object, None, Look | None]:
    """Where a speaker looks on some frames; None where it has no target."""
    targets = _targets(head, span.start) if span else []
    if not targets:
        return None
    eyes, place = eyes_of(head), np.full((len(span), 3), np.nan)
    for i, (start, target) in enumerate(targets):
        begin = span.start if i == 0 else max(start, span.start)
        end = min(targets[i + 1][0], span.stop) if i + 1 < len(targets) else span.stop
        if end > begin:
            frames = range(begin, end)
            seen = yield from evaluation.points_steps(head, target, _looked_at_place(target), frames)
            place[begin - span.start : end - span.start] = seen
    amount = yield from numbers_steps(head, AMOUNT, span)
    return Look(span, place - eyes, amount, speaker_properties(head).look_at_head)


def free_steps(head: bpy.types.Object, span: range) -> Generator[object, None, np.ndarray]:
    """How much the eyes of a speaker have no target that its animator gave them, 0–1, float64 (frames,)."""
    if not span or not _targets(head, span.start):
        return np.ones(len(span))
    return 1.0 - (yield from numbers_steps(head, AMOUNT, span))


def turns_as_a_whole(head: bpy.types.Object) -> bool:
    """Whether a speaker turns otherwise than by its neck: then it is not known where its eyes look."""
    return not nods.has_moving_neck(head) and nods.turns_something(head)


def disabled_reason(head: bpy.types.Object) -> str:
    """Why a speaker cannot look at a target; empty when it can."""
    own = speaker_properties(head)
    if turns_as_a_whole(head):
        return "Look At works for heads that nod over their neck, and for those that do not nod."
    if own.look_at_camera and not _cameras(_scene(head)):
        return f"The scene has no camera into which {head.name} could look."
    if not own.look_at_camera and own.look_at is not None and not own.look_at.users_scene:
        return f"{own.look_at.name} was deleted: {head.name} does not look at it. Clear Look At."
    return ""


def _targets(head: bpy.types.Object, first: int) -> list[tuple[int, bpy.types.Object]]:
    """What a speaker looks at, each with the frame from which on it does; empty where it cannot, or shall not."""
    own = speaker_properties(head)
    if disabled_reason(head):
        return []
    if own.look_at_camera:
        return _cameras(_scene(head))
    return [(first, own.look_at)] if own.look_at is not None else []


def numbers_steps(head: bpy.types.Object, name: str, span: range) -> Generator[object, None, np.ndarray]:
    """A property of a speaker that is 0–1 on each frame, also where it is keyed or driven, float64 (frames,)."""
    own = speaker_properties(head)
    path = own.path_from_id(name)
    curve = next((each for each in animation_data.active_curves(head) if each.data_path == path), None)
    if path in animation_data.driven(head) | animation_data.played_by_strips(head):
        return (yield from evaluation.numbers_steps(head, [path], span))[:, 0].astype(np.float64)
    if curve is None:
        return np.full(len(span), getattr(own, name))
    return np.clip([curve.evaluate(frame) for frame in span], 0.0, 1.0)


def may_be_above_0(head: bpy.types.Object, name: str) -> bool:
    """Whether such a property is, or may be on some frames. Cheap."""
    own = speaker_properties(head)
    path = own.path_from_id(name)
    moved = animation_data.driven(head) | animation_data.played_by_strips(head)
    moved |= {curve.data_path for curve in animation_data.active_curves(head)}
    return path in moved or getattr(own, name) > 0.0


def _scene(head: bpy.types.Object) -> bpy.types.Scene:
    """The scene in which a speaker is seen: that with its lines may have a timeline only."""
    timeline, seen_in = storage.scene_of(head), head.users_scene
    return timeline if timeline in seen_in else next(iter(seen_in), bpy.context.scene)


def _cameras(scene: bpy.types.Scene) -> list[tuple[int, bpy.types.Object]]:
    """The cameras through which a scene is seen, each with the frame from which on it is: markers may change them.

    As Blender does, cameras that are not rendered are passed over, and of markers on one frame the first one counts.
    """
    bound: dict[int, bpy.types.Object] = {}
    for marker in scene.timeline_markers:
        if marker.camera is not None and not marker.camera.hide_render:
            bound.setdefault(marker.frame, marker.camera)
    if bound:
        return sorted(bound.items())
    return [(scene.frame_start, scene.camera)] if scene.camera is not None else []


def _looked_at_place(target: bpy.types.Object) -> np.ndarray:
    """Of another head its eyes, of anything else its origin."""
    return eyes_of(target) if speakers.is_speaker(target) else np.zeros(3)


def eyes_of(head: bpy.types.Object) -> np.ndarray:
    """The point between a speaker's eyes in its own space (3,): the middle of what blinks move."""
    key, names = model.key_of(head), speakers.controls(head)
    blinks = [names.get(name, "") for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    blocks = [key.key_blocks[name] for name in blinks if key is not None and name in key.key_blocks]
    if key is None or len(blocks) < 2:
        return np.array(_BETWEEN_EYES)
    middles = []
    for block in blocks:
        moved, rest = (_coordinates(each) for each in (block, block.relative_key))
        share = np.linalg.norm(moved - rest, axis=1)
        if share.sum() <= 0.0:
            return np.array(_BETWEEN_EYES)
        middles.append(share @ rest / share.sum())
    return np.mean(middles, axis=0)


def _coordinates(block: bpy.types.ShapeKey) -> np.ndarray:
    found = np.empty(3 * len(block.data), np.float32)
    block.points.foreach_get("co", found)
    return found.reshape(-1, 3).astype(np.float64)
