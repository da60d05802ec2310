"""Heads: adding them, what they carry in the .blend, and their sliders."""

from __future__ import annotations

import bpy

from . import operators, panels, properties

CLASSES: tuple[type, ...] = (properties.HeadProperties, *operators.CLASSES, *panels.CLASSES)


def register() -> None:
    properties.add()
    bpy.types.VIEW3D_MT_add.append(panels.draw_add_menu)  # type: ignore[arg-type]


def unregister() -> None:
    bpy.types.VIEW3D_MT_add.remove(panels.draw_add_menu)  # type: ignore[arg-type]
    properties.remove()
