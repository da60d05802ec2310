"""Heads in Blender's 3D views, live: pictures of the engine that meshes hide and that hide meshes."""

from __future__ import annotations

from typing import Any

import bpy

from . import drawing, live, panels

_draw_handler: Any = None


def register() -> None:
    global _draw_handler
    live.begin()
    panels.add()
    for handlers, handler in _handlers():
        handlers.append(handler)
    if not bpy.app.background:
        _draw_handler = bpy.types.SpaceView3D.draw_handler_add(live.draw_overlay, (), "WINDOW", "POST_VIEW")


def unregister() -> None:
    global _draw_handler
    if _draw_handler is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_draw_handler, "WINDOW")
        _draw_handler = None
    for handlers, handler in _handlers():
        handlers.remove(handler)
    live.switch(False)
    drawing.forget()
    panels.remove()


def _handlers() -> list[tuple[list[Any], Any]]:
    on = bpy.app.handlers
    pairs = [(on.depsgraph_update_post, live.evaluated), (on.frame_change_post, live.evaluated)]
    pairs += [(on.undo_post, live.undone), (on.redo_post, live.undone)]
    return [*pairs, (on.load_pre, live.file_closes), (on.load_post, live.file_opened)]
