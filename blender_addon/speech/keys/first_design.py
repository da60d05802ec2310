"""Files of the first design: its generated keys, on NLA tracks below the animator's action, become plain keys.

Its actions carried a custom property, which copies of them carry too: it is trusted nowhere but here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ... import animation_data
from . import generated, key_points
from .ledger import Path
from .merge import TOLERANCE

MARKS = ("dgtalker_speech", "dgtalker_contacts")
"""Of the speech, and of the layer that closed lips."""


@dataclass(frozen=True)
class Lifted:
    """What tracks of the first design held: frames and values of their keys by curve, and their actions."""

    curves: dict[Path, tuple[np.ndarray, np.ndarray]]
    actions: list[bpy.types.Action]

    def __contains__(self, path: str) -> bool:
        return any(each == path for each, _ in self.curves)


def has(owner: bpy.types.ID) -> bool:
    """Whether a datablock has tracks of the first design."""
    return bool(_strips(owner))


def lift(owner: bpy.types.ID, notes: list[str]) -> Lifted:
    """Takes the tracks of the first design away, and returns what was on those of the speech.

    A strip that was cut shows a part of its action each time; what it shows counts.
    """
    parts: dict[Path, dict[int, float]] = {}
    speech: list[bpy.types.Action] = []
    others: list[bpy.types.Action] = []
    for track, strip in _strips(owner):
        actions = speech if strip.action.get(MARKS[0]) else others
        if strip.action not in actions:
            actions.append(strip.action)
        if actions is speech:
            for curve in _curves(strip):
                shown = parts.setdefault((curve.data_path, curve.array_index), {})
                keys = key_points.read(curve)
                inside = (keys.times >= strip.action_frame_start - 0.5) & (keys.times <= strip.action_frame_end + 0.5)
                frames = strip.frame_start + (keys.times[inside] - strip.action_frame_start) * strip.scale
                shown.update(zip(np.round(frames).astype(int).tolist(), keys.values[inside].tolist(), strict=True))
        track.strips.remove(strip)
        if not track.strips:
            animation_data.ensured(owner).nla_tracks.remove(track)
    for action in others:
        _drop(action)  # closed lips are made anew
    if speech:
        notes.append(f"The track Speech of {owner.name} became plain keys in its action.")
    curves = {path: _arrays(shown) for path, shown in parts.items()}
    return Lifted(curves, speech)


def keep_edits(
    owner: bpy.types.ID, lifted: Lifted, start: int, new: Mapping[Path, np.ndarray], notes: list[str], *, same: bool
) -> None:
    """Brings what the animator changed on the track into the plain keys that were just written.

    That can be told where the same is generated as then. Elsewhere the old action is kept, and said.

    Args:
        start: the frame of the first of the values `new`.
        same: they were made from the same take with the same settings.
    """
    if not lifted.actions:
        return
    changed: dict[Path, tuple[np.ndarray, np.ndarray]] = {}
    alike = every = 0
    for path, (frames, values) in lifted.curves.items():
        if path not in new or len(frames) < 2:
            continue
        rows = frames - start
        inside = (rows >= 0) & (rows < len(new[path]))
        differs = np.ones(len(frames), bool)
        differs[inside] = np.abs(values[inside] - new[path][rows[inside]]) > TOLERANCE
        every, alike = every + len(frames), alike + int(np.sum(~differs))
        if differs.any():
            changed[path] = frames[differs], values[differs]
    if changed and not (same and 2 * alike >= every):
        notes.append(f"What you changed on that track is kept in the action {_kept(lifted.actions)}.")
        return
    generated.overwrite(owner, changed)
    for action in lifted.actions:
        _drop(action)


def remove(owner: bpy.types.ID, rest: Mapping[str, float]) -> None:
    """Takes tracks of the first design away and lays what they moved to rest, by data path."""
    lifted = lift(owner, [])
    for path in lifted.curves:
        usual = 1.0 if path == ("delta_rotation_quaternion", 0) else 0.0
        generated.set_value(owner, path, rest.get(path[0], usual))
    for action in lifted.actions:
        _drop(action)


def set_aside(owner: bpy.types.ID, lifted: Lifted, notes: list[str]) -> Lifted:
    """Keeps what was lifted where no plain keys come of it, and lays what it moved to rest.

    Args:
        notes: gets a sentence for the user.

    Returns:
        That nothing is left.
    """
    for path in lifted.curves:
        generated.set_value(owner, path, 1.0 if path == ("delta_rotation_quaternion", 0) else 0.0)
    if lifted.actions:
        names = _kept(lifted.actions)
        notes.append(f"What turned {owner.name} until now, with what you changed there, is kept in the action {names}.")
    return Lifted({}, [])


def bake(owner: bpy.types.ID) -> None:
    """Lets tracks of the first design be the animator's own."""
    for _, strip in _strips(owner):
        for mark in MARKS:
            if mark in strip.action and strip.action.is_editable:
                del strip.action[mark]


def _arrays(shown: Mapping[int, float]) -> tuple[np.ndarray, np.ndarray]:
    frames = sorted(shown)
    return np.array(frames, int), np.array([shown[frame] for frame in frames])


def _kept(actions: list[bpy.types.Action]) -> str:
    """Lets the file keep actions that nothing plays; their names."""
    for action in actions:
        action.use_fake_user = True
    return ", ".join(action.name for action in actions)


def _drop(action: bpy.types.Action) -> None:
    if not action.users:
        bpy.data.actions.remove(action)


def _strips(owner: bpy.types.ID) -> list[tuple[Any, Any]]:
    animation = animation_data.of(owner)
    return [
        (track, strip)
        for track in (animation.nla_tracks if animation else ())
        for strip in track.strips
        if strip.action and any(strip.action.get(mark) for mark in MARKS)
    ]


def _curves(strip: Any) -> list[bpy.types.FCurve]:
    return [curve for bag in animation_data.channelbags(strip.action) for curve in bag.fcurves]
