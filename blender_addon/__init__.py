"""DGTalker: Gaussian heads that speak what is on the timeline."""

from __future__ import annotations

import bpy

from . import (
    bug_report_operator,
    expressions,
    face_handles,
    farm,
    head,
    people,
    preferences,
    render,
    shot,
    speech,
    splats,
    training,
)
from .bridge import engine
from .install import ui as install

ROOMS = (
    install,
    bug_report_operator,
    preferences,
    head,
    expressions,
    face_handles,
    people,
    training,
    speech,
    render,
    shot,
    splats,
    farm,
)
"""Each room has CLASSES, and register() and unregister() for its properties, menus and handlers."""


def register() -> None:
    for room in ROOMS:
        for cls in room.CLASSES:
            bpy.utils.register_class(cls)
        room.register()
    preferences.configure_engine()


def unregister() -> None:
    engine.stop()
    for room in reversed(ROOMS):
        room.unregister()
        for cls in reversed(room.CLASSES):
            bpy.utils.unregister_class(cls)
