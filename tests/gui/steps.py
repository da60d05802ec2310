"""What the cases of `modal.py` and the windows for pictures are made of; runs inside Blender."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

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


def step(*actions: Callable[[], None]) -> None:
    """Run each action in a redraw of its own, so that the window is up to date between them."""
    first, *others = actions

    def act() -> None:
        first()
        if others:
            step(*others)

    bpy.app.timers.register(act, first_interval=1.0)


def show() -> None:
    """The window is as it should be seen: makes the file that GUI_READY names."""
    Path(os.environ["GUI_READY"]).touch()


def running() -> list[str]:
    return [operator.bl_idname for window in bpy.context.window_manager.windows for operator in window.modal_operators]


def until(condition, timeout: float = TIMEOUT) -> Steps:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain; running: {running()}"
        yield


def heads() -> list[bpy.types.Object]:
    return [ob for ob in bpy.data.objects if ob.type == "MESH" and ob.dgtalker.rig]


def press_escape() -> Steps:
    window = bpy.context.window_manager.windows[0]
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type="ESC", value=value, x=window.width // 2, y=window.height // 2)
    yield


class Drawings:
    """Counts how often a panel is drawn, and keeps what went wrong."""

    def __init__(self, panel: Any) -> None:
        self._panel = panel

    def __enter__(self) -> Drawings:
        self.count, self.errors, self._draw = 0, [], self._panel.draw

        def draw(panel: Any, context: bpy.types.Context) -> None:
            self.count += 1
            try:
                self._draw(panel, context)
            except Exception as error:
                self.errors.append(error)
                raise

        self._panel.draw = draw
        return self

    def __exit__(self, *_: object) -> None:
        self._panel.draw = self._draw
        assert not self.errors, self.errors


def drive(steps: Generator[None, None, Any], pause: float) -> None:
    """Goes on with the steps between redraws of the window, `pause` seconds apart, and ends Blender after the last one.

    The exit code is 0 when they return nothing or what is false, else 1.
    """
    bpy.context.preferences.view.show_splash = False
    bpy.app.timers.register(lambda: _go_on(steps, pause), first_interval=1.0, persistent=True)


def _go_on(steps: Generator[None, None, Any], pause: float) -> float:
    try:
        next(steps)
        return pause
    except StopIteration as end:
        status = int(bool(end.value))
    except BaseException:  # noqa: BLE001 (this process ends with it)
        traceback.print_exc()
        status = 1
    if engine := sys.modules.get(f"{ADDON}.bridge.engine"):
        engine.stop()
    sys.stdout.flush()
    os._exit(status)
