"""Handles on the face in 3D views, by which it is dragged into shape."""

from __future__ import annotations

from typing import Any

import bpy

from . import drawing, gizmos, operators, panels, properties, view

CLASSES: tuple[type, ...] = (*properties.CLASSES, *operators.CLASSES, *gizmos.CLASSES)


def register() -> None:
    properties.add()
    panels.add()
    for handlers, handler in _handlers():
        handlers.append(handler)


def unregister() -> None:
    for handlers, handler in _handlers():
        handlers.remove(handler)
    drawing.forget()
    panels.remove()
    properties.remove()


def _handlers() -> list[tuple[list[Any], Any]]:
    on = bpy.app.handlers
    pairs = [(on.depsgraph_update_post, view.evaluated), (on.frame_change_post, view.evaluated)]
    return [*pairs, (on.undo_post, view.replaced), (on.redo_post, view.replaced), (on.load_post, view.replaced)]
