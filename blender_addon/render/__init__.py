"""Rendering: the engine DGTALKER, what it asks the engine process for, its panels, and live heads in 3D views."""

from __future__ import annotations

import bpy

from . import engine, head_animation, one_frame, panels, signing, viewport

CLASSES: tuple[type, ...] = (
    engine.DGTalkerRenderEngine,
    panels.EnginePanel,
    panels.MotionBlurPanel,
    panels.PassesPanel,
    *head_animation.CLASSES,
    *one_frame.CLASSES,
    *signing.CLASSES,
)


def register() -> None:
    panels.show_panels()
    viewport.register()
    bpy.app.handlers.render_init.append(engine.begin_job)
    for handlers in (bpy.app.handlers.render_write, bpy.app.handlers.render_cancel):
        handlers.append(engine.check_file)
    one_frame.register()
    head_animation.register()
    signing.register()


def unregister() -> None:
    viewport.unregister()
    signing.unregister()
    head_animation.unregister()
    one_frame.unregister()
    for handlers in (bpy.app.handlers.render_write, bpy.app.handlers.render_cancel):
        handlers.remove(engine.check_file)
    bpy.app.handlers.render_init.remove(engine.begin_job)
    panels.hide_panels()
