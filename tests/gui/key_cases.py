"""A case of `modal.py`: keys are dragged in the Dope Sheet while what they say waits to be written."""

from __future__ import annotations

import sys
import time

import bpy
from steps import ADDON, Steps, running, until

DRAG = "TRANSFORM_OT_transform"

HELD = 2.5
"""Seconds for which the pointer rests before it lets go."""


def while_keys_are_dragged_nothing_is_written(head: bpy.types.Object) -> Steps:
    """The keys of a style are dragged together with all others. Blender holds the addresses of what it drags."""
    own, live = head.dgtalker_speech, sys.modules[f"{ADDON}.speech.takes.live"]
    for frame, happy in ((1, 0.0), (50, 1.0)):
        own.happy = happy
        own.keyframe_insert("happy", frame=frame)
    yield from until(lambda: not live._due and not live._mending)
    head.select_set(True)
    bpy.context.view_layer.objects.active = head
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "DOPESHEET_EDITOR")
    area.ui_type = "DOPESHEET"
    for _ in range(3):
        yield
    region = next(region for region in area.regions if region.type == "WINDOW")
    x, y = region.x + region.width // 2, region.y + region.height // 2
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    yield
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.action.select_all(action="SELECT")
        bpy.ops.transform.transform("INVOKE_DEFAULT", mode="TIME_TRANSLATE")
    before = head.data.shape_keys.dgtalker_ledger
    for step in (20, 40):
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x + step, y=y)
        ends = time.monotonic() + HELD / 2
        while time.monotonic() < ends:
            yield
            assert running() == [DRAG]
            assert head.data.shape_keys.dgtalker_ledger == before
    assert live._due
    window.event_simulate(type="LEFTMOUSE", value="PRESS", x=x + 40, y=y)
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=x + 40, y=y)
    yield from until(lambda: not running() and not live._due and not live._mending)
    assert head.data.shape_keys.dgtalker_ledger != before
