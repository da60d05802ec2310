"""Rendering: the engine DGTALKER, what it asks the engine process for, and its panels."""

from __future__ import annotations

import bpy

from . import engine, panels

CLASSES: tuple[type, ...] = (engine.DGTalkerRenderEngine, panels.EnginePanel)


def register() -> None:
    panels.show_panels()
    bpy.app.handlers.render_init.append(engine.forget_last_error)


def unregister() -> None:
    bpy.app.handlers.render_init.remove(engine.forget_last_error)
    panels.hide_panels()
