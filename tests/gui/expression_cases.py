"""A case of `modal.py`: expressions in the sidebar and in the asset browser of a real window."""

from __future__ import annotations

import sys
from typing import Any

import bpy
from steps import ADDON, Drawings, Steps, until

ENGINE_START = 120.0
"""Seconds."""


def room(name: str) -> Any:
    return sys.modules[f"{ADDON}.{name}"]


def expressions_are_drawn_saved_and_applied_from_the_asset_browser() -> Steps:
    bpy.ops.dgtalker.add_head()
    head = bpy.context.object
    jaw = head.data.shape_keys.key_blocks["jawOpen"]
    jaw.value = 0.6
    bpy.ops.dgtalker.save_expression(title="Open", only_changed=True)
    jaw.value = 0.0
    yield from _gallery_comes(head)
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "DOPESHEET_EDITOR")
    before, area.ui_type = area.ui_type, "ASSETS"
    try:
        yield from until(lambda: area.spaces.active.params is not None)
        area.spaces.active.params.asset_library_reference = "LOCAL"
        region = next(region for region in area.regions if region.type == "WINDOW")
        yield from until(lambda: _is_chosen(window, area, region, "Open"))
        with bpy.context.temp_override(window=window, area=area, region=region):
            assert bpy.ops.dgtalker.apply_expression_asset("EXEC_DEFAULT", True, amount=0.5) == {"FINISHED"}
    finally:
        area.ui_type = before
    assert abs(jaw.value - 0.3) < 1e-4


def _gallery_comes(head: bpy.types.Object) -> Steps:
    gallery, icons = room("expressions.gallery"), room("expressions.pictures").icons
    with Drawings(room("expressions.panels").ExpressionsPanel) as drawings:
        room("ui").open_tab(bpy.context)
        bpy.ops.dgtalker.open_expressions()
        names = [gallery.icon_name(head, name) for name in gallery.EXPRESSIONS]
        yield from until(lambda: gallery.error() or all(map(icons.id_of, names)), timeout=ENGINE_START)
        assert not gallery.error()
        yield from until(lambda: drawings.count and not bpy.app.timers.is_registered(gallery._tick))
    bpy.ops.dgtalker.close_expressions()


def _is_chosen(window: bpy.types.Window, area: bpy.types.Area, region: bpy.types.Region, name: str) -> bool:
    area.spaces.active.activate_asset_by_id(bpy.data.actions[name])
    with bpy.context.temp_override(window=window, area=area, region=region):
        asset = bpy.context.asset
    return asset is not None and asset.name == name
