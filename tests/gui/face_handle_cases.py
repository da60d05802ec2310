"""A case of `modal.py`: a handle of a face is hovered, dragged, let go, dragged again and taken back by the pointer."""

from __future__ import annotations

import sys
import time
from typing import Any

import bpy
from steps import ADDON, Steps, running, until

DRAG = "DGTALKER_OT_drag_face_handle"


def room(name: str) -> Any:
    return sys.modules[f"{ADDON}.face_handles.{name}"]


def a_handle_is_dragged_with_the_pointer_and_escape_takes_it_back() -> Steps:
    bpy.ops.dgtalker.add_head()
    smile, other = (f"mouthSmile{side}" for side in ("Left", "Right"))
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()
    bpy.ops.ed.undo_push(message="before")
    bpy.context.window_manager.dgtalker_face_handles.on = True
    try:
        yield from until(lambda: "mouthCornerLeft" in _places(window, area, region))
        for _ in range(3):
            yield  # the view glides to the front
        yield from _dragged(window, area, region, 30)
        _event(window, "LEFTMOUSE", "RELEASE", *_pointer(window, area, region))
        yield from until(lambda: DRAG not in running())
        assert _value(smile) > 0.3
        assert _value(other) == 0.0
        after = _value(smile)
        yield from _dragged(window, area, region, -20)
        assert _value(smile) < after - 0.1
        _event(window, "ESC", "PRESS", *_pointer(window, area, region))
        yield from until(lambda: DRAG not in running())
        assert abs(_value(smile) - after) < 1e-6
        with bpy.context.temp_override(window=window, area=area, region=region):
            bpy.ops.ed.undo()
        assert _value(smile) == 0.0, "one undo step, also after a drag that was taken back"
        with bpy.context.temp_override(window=window, area=area, region=region):
            assert _milliseconds(lambda: room("view").seen(bpy.context)) < 1.0
    finally:
        bpy.context.window_manager.dgtalker_face_handles.on = False


def _value(name: str) -> float:
    return bpy.context.object.data.shape_keys.key_blocks[name].value


def _places(window: bpy.types.Window, area: bpy.types.Area, region: bpy.types.Region) -> dict[str, tuple[int, int]]:
    with bpy.context.temp_override(window=window, area=area, region=region):
        seen = room("view").seen(bpy.context)
    return {
        handle.name: (region.x + round(x), region.y + round(y))
        for handle, (x, y) in zip(seen.handles, seen.pixels.tolist(), strict=True)
    }


def _pointer(window: bpy.types.Window, area: bpy.types.Area, region: bpy.types.Region) -> tuple[int, int]:
    return _places(window, area, region)["mouthCornerLeft"]


def _event(window: bpy.types.Window, kind: str, value: str, x: int, y: int) -> None:
    window.event_simulate(type=kind, value=value, x=x, y=y)


def _dragged(window: bpy.types.Window, area: bpy.types.Area, region: bpy.types.Region, up: int) -> Steps:
    x, y = _pointer(window, area, region)
    for aside in (60, 1):  # the pointer comes to it
        _event(window, "MOUSEMOVE", "NOTHING", x + aside, y)
        yield
    _event(window, "LEFTMOUSE", "PRESS", x + 1, y)
    yield from until(lambda: DRAG in running())
    for step in range(1, 5):
        _event(window, "MOUSEMOVE", "NOTHING", x + 1, y + round(up * step / 4))
        yield


def _milliseconds(work: Any) -> float:
    """The least of some: other programs may run."""
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return 1e3 * min(times)
