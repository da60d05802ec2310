"""Whether a timeline and the scenes in which its heads stand count the same frames. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import bpy

from . import strips


def reason(timeline: bpy.types.Scene, shown: bpy.types.Scene, heads: Sequence[bpy.types.Object]) -> str:
    """Why the keys of heads would come at another time than the sound of a timeline; empty where they would not.

    Args:
        shown: the scene of the 3D view.
    """
    shots = {shown, *_shots(timeline, heads)} - {timeline}
    for shot in sorted(shots, key=lambda scene: scene.name):
        if strips.clock(timeline).rate != strips.clock(shot).rate:
            return f"The scenes {timeline.name} and {shot.name} run at different frame rates: make them equal."
    stretched = next((scene for scene in (timeline, *_scenes(heads)) if is_stretched(scene)), None)
    if stretched is not None:
        return f"{stretched.name} is stretched in time, which its sound is not: {UNSTRETCH}"
    for shot in _shots(timeline, heads):
        played = [strip for strip in _scene_strips(timeline) if strip.scene == shot]
        shifts = [_shift(strip) for strip in played]
        if any(len(strip.retiming_keys) for strip in played):
            return f"{timeline.name} plays {shot.name} retimed: {_OWN_STRIPS.format(shot.name)}"
        if shifts and 0 not in shifts:
            later = "later" if shifts[0] > 0 else "earlier"
            return (
                f"{timeline.name} plays {shot.name} {abs(shifts[0]):g} frames {later} than its own frames, and its "
                "speech would come as much too late or too early: "
                f"{_OWN_STRIPS.format(shot.name)}"
            )
    return ""


UNSTRETCH = "give Old and New in Output ▸ Frame Rate ▸ Time Stretching the same number."

_OWN_STRIPS = "put the sound that its heads speak into the sequencer of {} itself."


def is_stretched(scene: bpy.types.Scene) -> bool:
    return scene.render.frame_map_old != scene.render.frame_map_new


def _scenes(heads: Sequence[bpy.types.Object]) -> list[bpy.types.Scene]:
    return sorted({scene for head in heads for scene in head.users_scene}, key=lambda scene: scene.name)


def _shots(timeline: bpy.types.Scene, heads: Sequence[bpy.types.Object]) -> list[bpy.types.Scene]:
    """The scenes of heads that do not stand in the timeline's own."""
    return _scenes([head for head in heads if timeline not in head.users_scene])


def _scene_strips(timeline: bpy.types.Scene) -> Iterator[Any]:
    editor = timeline.sequence_editor
    every: Any = editor.strips_all if editor else ()
    return (strip for strip in every if strip.type == "SCENE" and strip.scene is not None)


def _shift(strip: Any) -> float:
    """Frames by which a timeline shows a scene later than the scene itself does."""
    start = strip.content_start if strips.NEW_NAMES else strip.frame_start
    trimmed = strip.content_trim_start if strips.NEW_NAMES else strip.animation_offset_start
    return start - trimmed - strip.scene.frame_start
