"""A picture without its heads must not pass for finished.

Blender goes on when a compositor's second scene fails. What can be known beforehand is looked at as a job begins: the
main scene is then given to the engine DGTALKER, which says what is wrong, writes nothing, and stops an animation.
"""

from __future__ import annotations

from typing import cast

import bpy
from bpy.app.handlers import persistent

from dgtalker_engine.errors import DGTalkerError

from ...bridge import avatars
from ...head import model
from .. import camera, engine
from ..scene_pairs import one_frame, set_engine
from . import setup

_taken: dict[str, str] = {}
"""Engines of the main scenes that were given to DGTALKER in this job, by the scene's name."""


@persistent
def check_job(scene: bpy.types.Scene, *_: object) -> None:
    """Handler for the start of a job, after `engine.begin_job`."""
    if not setup.is_on(scene):
        return
    try:
        check(scene)
    except DGTalkerError as error:
        refuse(scene, error)


def refuse(scene: bpy.types.Scene, error: DGTalkerError) -> None:
    """Let a job that begins say what is wrong, and write nothing."""
    engine.refuse(error)
    _taken.setdefault(scene.name_full, scene.render.engine)
    set_engine(scene, engine.DGTalkerRenderEngine.bl_idname)


@persistent
def give_back(scene: bpy.types.Scene, *_: object) -> None:
    """Handler for the end of a job."""
    taken = _taken.pop(scene.name_full, None)
    if taken is not None:
        set_engine(scene, taken)


def check(scene: bpy.types.Scene) -> None:
    """Raises DGTalkerError where the heads of a scene cannot be rendered: the engine, an avatar, a camera."""
    cameras = {marker.camera for marker in scene.timeline_markers} | {scene.camera}
    for each in cameras:
        if each is not None and each.type == "CAMERA":
            camera.check_kind(cast("bpy.types.Camera", each.data).type)
    heads = one_frame(scene).heads
    layers = heads.view_layers if heads is not None else ()
    for head in {ob for layer in layers if layer.use for ob in layer.objects if model.is_head(ob)}:
        if not head.hide_render:
            avatars.ensure_open(head)
