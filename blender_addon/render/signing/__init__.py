"""Signatures (C2PA) in what Blender and Head Animation write: the scene's switch, its panel, and the handlers."""

from __future__ import annotations

from typing import Any

import bpy

from . import jobs, operators, panels

__all__ = ["CLASSES", "register", "unregister"]

CLASSES: tuple[type, ...] = (*operators.CLASSES, *panels.CLASSES)


def _handlers() -> tuple[tuple[Any, Any], ...]:
    handlers: Any = bpy.app.handlers
    return (
        (handlers.render_init, jobs.begin),
        (handlers.render_write, jobs.sign_frame),
        (handlers.render_complete, jobs.sign_film),
    )


def register() -> None:
    owner: Any = bpy.types.Scene
    owner.dgtalker_sign = bpy.props.BoolProperty(
        name="Content Credentials",
        description="Pictures and films with heads get Content Credentials (C2PA), signed with the certificate of the "
        "preferences",
        options=set(),
    )
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
    del owner.dgtalker_sign
