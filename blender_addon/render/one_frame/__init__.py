"""Heads in the picture of Cycles or EEVEE: one F12 for the scene and its heads."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from ...head import model
from .. import scene_pairs
from . import heads_scene, operators, refusal, setup

__all__ = ["CLASSES", "register", "unregister"]

CLASSES: tuple[type, ...] = (*scene_pairs.CLASSES, *operators.CLASSES)


@persistent
def follow_edit(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Handler for what an animator changes: links are made here, not while it renders, where she may go on looking."""
    if setup.is_on(scene) and any(_concerns_heads(update.id) for update in depsgraph.updates):
        heads_scene.follow(scene)


def _concerns_heads(updated: bpy.types.ID | None) -> bool:
    if isinstance(updated, bpy.types.Object):
        return model.is_head(updated)
    return isinstance(updated, bpy.types.Scene | bpy.types.Collection | bpy.types.NodeTree)


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
