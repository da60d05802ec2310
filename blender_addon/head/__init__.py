"""Heads: adding them, what they carry in the .blend, and their sliders."""

from __future__ import annotations

from typing import Any

import bpy

from . import keying_set, operators, panels, properties

CLASSES: tuple[type, ...] = (*properties.CLASSES, *keying_set.CLASSES, *operators.CLASSES, *panels.CLASSES)


def register() -> None:
    properties.add()
    menu: Any = bpy.types.VIEW3D_MT_add
    menu.append(panels.draw_add_menu)


def unregister() -> None:
    menu: Any = bpy.types.VIEW3D_MT_add
    menu.remove(panels.draw_add_menu)
    properties.remove()
