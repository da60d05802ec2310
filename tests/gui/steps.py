"""What the cases of `modal.py` are made of; runs inside Blender."""

from __future__ import annotations

import time
from collections.abc import Generator

import bpy

ADDON = "bl_ext.user_default.dgtalker"
TIMEOUT = 30.0

Steps = Generator[None, None, None]
"""A case; whenever it yields, the window goes on."""


def start(name: str, window: bpy.types.Window | None = None, **options: object) -> None:
    """Press the button of an operator of ours, in the 3D view."""
    window = window or bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        assert getattr(bpy.ops.dgtalker, name)("INVOKE_DEFAULT", True, **options) == {"RUNNING_MODAL"}


def running() -> list[str]:
    return [operator.bl_idname for window in bpy.context.window_manager.windows for operator in window.modal_operators]


def until(condition) -> Steps:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain; running: {running()}"
        yield


def heads() -> list[bpy.types.Object]:
    return [ob for ob in bpy.data.objects if ob.type == "MESH" and ob.dgtalker.rig]
