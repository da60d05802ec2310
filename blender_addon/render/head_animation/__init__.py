"""Render ▸ Head Animation: all frames go to the engine at once, which writes their files."""

from __future__ import annotations

from typing import Any

import bpy

from . import contact_sheet, job, operators, panels

__all__ = ["CLASSES", "register", "unregister"]

CLASSES: tuple[type, ...] = (*operators.CLASSES, *contact_sheet.CLASSES, *panels.CLASSES)


def _handlers() -> tuple[Any, ...]:
    handlers: Any = bpy.app.handlers
    return handlers.render_complete, handlers.render_cancel


def register() -> None:
    menu: Any = bpy.types.TOPBAR_MT_render
    menu.prepend(operators.draw_menu)
    for handlers in _handlers():
        handlers.append(job.end)
    bpy.app.handlers.load_post.append(job.forget)


def unregister() -> None:
    bpy.app.handlers.load_post.remove(job.forget)
    for handlers in _handlers():
        handlers.remove(job.end)
    menu: Any = bpy.types.TOPBAR_MT_render
    menu.remove(operators.draw_menu)
