"""The entry in the menu of the asset browser."""

from __future__ import annotations

from typing import Any

import bpy

from . import operators
from .properties import form


def draw_entry(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    """For Actions where a head is active; the gallery's settings count here, too."""
    if not operators.ApplyExpressionAsset.poll(context):
        return
    menu.layout.separator()
    apply: Any = menu.layout.operator(operators.ApplyExpressionAsset.bl_idname)
    own = form(context)
    apply.amount, apply.mirrored, apply.insert_keys = own.amount, own.mirrored, own.insert_keys


def add() -> None:
    menu: Any = bpy.types.ASSETBROWSER_MT_context_menu
    menu.append(draw_entry)


def remove() -> None:
    menu: Any = bpy.types.ASSETBROWSER_MT_context_menu
    menu.remove(draw_entry)
