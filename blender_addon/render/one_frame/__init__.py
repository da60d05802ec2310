"""Heads in the picture of Cycles or EEVEE: one F12 for the scene and its heads."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from .. import scene_pairs
from . import heads_scene, operators, refusal, setup

__all__ = ["CLASSES", "register", "unregister"]

CLASSES: tuple[type, ...] = (*scene_pairs.CLASSES, *operators.CLASSES)


@persistent
def follow_edit(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Handler for what an animator changes: links are made here, not while it renders, where she may go on looking."""
    if setup.is_on(scene) and any(depsgraph.id_type_updated(kind) for kind in ("SCENE", "COLLECTION", "OBJECT")):
        heads_scene.follow(scene)


@persistent
def follow_render(scene: bpy.types.Scene, *_: object) -> None:
    """Handler for each frame: markers and animation change cameras and settings."""
    if setup.is_on(scene):
        heads_scene.follow(scene)


def _handlers() -> tuple[tuple[Any, Any], ...]:
    handlers: Any = bpy.app.handlers
    return (
        (handlers.depsgraph_update_post, follow_edit),
        (handlers.render_init, follow_render),
        (handlers.render_pre, follow_render),
        (handlers.render_init, refusal.check_job),
        (handlers.render_complete, refusal.give_back),
        (handlers.render_cancel, refusal.give_back),
    )


def register() -> None:
    owner: Any = bpy.types.Scene
    owner.dgtalker_one_frame = bpy.props.PointerProperty(type=scene_pairs.OneFrameProperties)
    menu: Any = bpy.types.TOPBAR_MT_render
    menu.append(operators.draw_menu)
    for handlers, function in _handlers():
        handlers.append(function)


def unregister() -> None:
    for handlers, function in _handlers():
        handlers.remove(function)
    menu: Any = bpy.types.TOPBAR_MT_render
    menu.remove(operators.draw_menu)
    owner: Any = bpy.types.Scene
    del owner.dgtalker_one_frame
