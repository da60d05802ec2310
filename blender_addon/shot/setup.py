"""What a shot of a speaking head needs and a new scene has not. What the animator has set up stays, and is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import bpy

from ..head import model
from ..properties import scene_properties
from ..render.engine import DGTalkerRenderEngine
from ..speech.timeline import one_clock, strips, timing
from . import framing

FACTORY_RANGE = (1, 250)
FACTORY_TRANSFORM = "AgX"
EXACT_TRANSFORM = "Standard"


@dataclass
class Changes:
    """What was changed, and what was left as the animator has it; parts of sentences.

    Attributes:
        camera: whether the camera was framed.
    """

    changed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    camera: bool = False

    def sentences(self) -> list[str]:
        said = [f"Set up: {', '.join(self.changed)}."] if self.changed else ["All of this shot is set up already."]
        return [*said, *([f"Left as you have it: {', '.join(self.left)}."] if self.left else [])]


def disabled_reason(context: bpy.types.Context) -> str:
    """Why no shot can be set up; empty when one can."""
    if not model.heads(context.scene):
        return "Add a Gaussian head first."
    return "" if context.scene.is_editable else f"The scene {context.scene.name} is linked from another file."


def set_up(context: bpy.types.Context) -> Changes:
    """Camera framed on the selected heads (else on all), engine, view transform, frames of the sound, playback in
    sync with it."""
    every = model.heads(context.scene)
    heads = [head for head in every if head.select_get()] or every
    if context.object in heads:
        heads.sort(key=lambda head: head != context.object)
    changes = Changes()
    _set_camera(context, heads, changes)
    _set_engine(context.scene, changes)
    _set_transform(context.scene, changes)
    _set_range(context, heads, changes)
    if context.scene.sync_mode == "NONE":
        context.scene.sync_mode = "AUDIO_SYNC"
        changes.changed.append("playback in sync with the sound")
    return changes


def _set_camera(context: bpy.types.Context, heads: Sequence[bpy.types.Object], changes: Changes) -> None:
    scene, names = context.scene, " and ".join(head.name for head in heads)
    camera = scene.camera
    if camera is not None and not (camera.type == "CAMERA" and framing.is_untouched(camera)):
        if camera.type != "CAMERA" or not framing.shows(scene, camera, heads):
            changes.left.append(f"the camera {camera.name}, which does not show {names}")
        return
    if camera is None:
        camera = bpy.data.objects.new("Talking Shot", bpy.data.cameras.new("Talking Shot"))
        scene.collection.objects.link(camera)
        scene.camera = camera
    lens: Any = camera.data
    lens.lens = framing.LENS
    framing.frame(context, camera, heads)
    changes.camera = True
    changes.changed.append(f"camera framed on {names}")


def _set_engine(scene: bpy.types.Scene, changes: Changes) -> None:
    render: Any = scene.render
    if render.engine != DGTalkerRenderEngine.bl_idname:
        render.engine = DGTalkerRenderEngine.bl_idname
        changes.changed.append("render engine DGTalker")


def _set_transform(scene: bpy.types.Scene, changes: Changes) -> None:
    view: Any = scene.view_settings
    if view.view_transform == FACTORY_TRANSFORM:
        view.view_transform = EXACT_TRANSFORM
        changes.changed.append(f"view transform {EXACT_TRANSFORM}")
    elif view.view_transform != EXACT_TRANSFORM:
        changes.left.append(f"the view transform {view.view_transform}")


def _set_range(context: bpy.types.Context, heads: Sequence[bpy.types.Object], changes: Changes) -> None:
    """From the sound; a range that is neither Blender's nor from here is the animator's."""
    scene, timeline = context.scene, strips.timeline(context)
    heard = [sound.span for sound in strips.sound_strips(timeline) if sound.audible]
    if not heard or one_clock.reason(timeline, scene, heads):
        return
    first, last = timing.whole_take(heard, strips.clock(timeline))
    wanted = max(1, first), last
    now = scene.frame_start, scene.frame_end
    own = scene_properties(scene)
    if now == wanted:
        return
    if now not in (FACTORY_RANGE, tuple(own.shot_range)):
        changes.left.append(f"frames {now[0]}–{now[1]} (the sound: {wanted[0]}–{wanted[1]})")
        return
    scene.frame_start, scene.frame_end = wanted
    own.shot_range = wanted
    changes.changed.append(f"frames {wanted[0]}–{wanted[1]}")
