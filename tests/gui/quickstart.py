"""From the zip to a talking render, timed, in a real Blender window with a clean profile, for docs/quickstart.md.

Runs inside a Blender with a screen and `--enable-event-simulate`. Needs DGTALKER_ZIP, QUICKSTART_PACKAGES (a folder as
`build.py package --wheelhouse` fills it, or nothing for the internet) and QUICKSTART_PICTURES, where it puts a copy
of the screen (DGTALKER_SCREEN, as Xvfb keeps it) after each step and, at the end, `times.json`: the seconds that
each step took, with a second for every click.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
from steps import ADDON, Steps, drive, heads, running, start, until

SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.wav"
PICTURES = Path(os.environ["QUICKSTART_PICTURES"])
CLICK = 1.0
SETTLED = 3.0
"""Seconds until the view at rest shows heads as they are rendered; not counted."""
PATIENCE = 600.0
"""Seconds that the longest step may take."""


class Walk:
    """What somebody does who has never seen it, and how long it takes."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}
        self._began = time.monotonic()

    def done(self, name: str) -> Steps:
        """The step is over; what the window shows then."""
        self.times[name] = round(time.monotonic() - self._began, 1)
        yield from waits(SETTLED)
        yield from pictured(name)
        self._began = time.monotonic()

    def steps(self) -> Steps:
        yield from self.install_extension()
        yield from self.install_engine()
        yield from self.add_head()
        yield from self.add_sound()
        yield from self.animate()
        yield from self.render()
        total = round(sum(self.times.values()), 1)
        (PICTURES / "times.json").write_text(json.dumps({**self.times, "all": total}, indent=1))

    def install_extension(self) -> Steps:
        self._began = time.monotonic()
        window = bpy.context.window_manager.windows[0]
        with bpy.context.temp_override(window=window):
            bpy.ops.screen.userpref_show(section="EXTENSIONS")
        yield from clicks(3)
        bpy.ops.extensions.package_install_files(
            filepath=os.environ["DGTALKER_ZIP"], repo="user_default", enable_on_install=True
        )
        preferences = bpy.context.preferences
        preferences.active_section = "ADDONS"
        preferences.view.show_developer_ui = False
        bpy.context.window_manager.addon_search = "DGTalker"
        bpy.ops.preferences.addon_expand(module=ADDON)
        yield from clicks(2)
        yield from self.done("extension")

    def install_engine(self) -> Steps:
        installing = sys.modules[f"{ADDON}.install.ui.running"]
        bpy.context.preferences.addons[ADDON].preferences.wheels_folder = os.environ.get("QUICKSTART_PACKAGES", "")
        window = bpy.context.window_manager.windows[-1]
        area = window.screen.areas[0]
        with bpy.context.temp_override(window=window, area=area, region=area.regions[-1]):
            bpy.ops.dgtalker.install_engine("INVOKE_DEFAULT")
        yield from clicks(1)
        yield from pictured("asked")
        for value in ("PRESS", "RELEASE"):
            window.event_simulate(type="RET", value=value, x=window.width // 2, y=window.height // 2)
            yield
        yield from until(lambda: installing.current() is not None)
        yield from pictured("installing")
        yield from until(lambda: installing.current() is None, PATIENCE)
        assert sys.modules[f"{ADDON}.bridge.find"].remembered(), installing.failure
        yield from self.done("engine")
        with bpy.context.temp_override(window=window):
            bpy.ops.wm.window_close()
        yield

    def add_head(self) -> Steps:
        self._began = time.monotonic()
        yield from clicks(3)
        start("add_head", builtin="robin")
        yield from until(lambda: heads() and not running(), PATIENCE)
        yield from open_tab()
        yield from self.done("head")

    def add_sound(self) -> Steps:
        yield from clicks(3)
        press("add_sound", "EXEC_DEFAULT", filepath=str(SAMPLE))
        yield from clicks(1)
        press("talking_shot", "EXEC_DEFAULT")
        yield from self.done("sound")

    def animate(self) -> Steps:
        yield from clicks(1)
        start("animate")
        yield from until(lambda: not running(), PATIENCE)
        [head] = heads()
        scene = bpy.context.scene
        frames = range(scene.frame_start, scene.frame_end + 1)
        [curve] = [each for each in curves(head) if '"jawOpen"' in each.data_path]
        scene.frame_set(max(frames, key=curve.evaluate))
        yield from self.done("animated")

    def render(self) -> Steps:
        yield from clicks(2)
        scene = bpy.context.scene
        scene.render.filepath = f"{PICTURES}/frames/"
        finished: list[bool] = []
        bpy.app.handlers.render_complete.append(lambda *_: finished.append(True))
        window = bpy.context.window_manager.windows[0]
        with bpy.context.temp_override(window=window):
            bpy.ops.dgtalker.render_head_animation("INVOKE_DEFAULT")
        yield from until(lambda: bool(finished), PATIENCE)
        count = len(list((PICTURES / "frames").glob("*.png")))
        assert count == scene.frame_end - scene.frame_start + 1, count
        yield from self.done("rendered")


def clicks(count: int) -> Steps:
    """As long as somebody needs to press so many buttons."""
    yield from waits(count * CLICK)


def waits(seconds: float) -> Steps:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def pictured(name: str) -> Steps:
    """A copy of the screen, once it is drawn."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            area.tag_redraw()
    yield from waits(1.0)
    shutil.copy(os.environ["DGTALKER_SCREEN"], PICTURES / f"{name}.xwd")


def press(name: str, how: str, **options: object) -> None:
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        assert getattr(bpy.ops.dgtalker, name)(how, **options) == {"FINISHED"}


def open_tab() -> Steps:
    """The sidebar, which must have been drawn once before a tab can be chosen."""
    window = bpy.context.window_manager.windows[0]
    view = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    view.spaces.active.show_region_ui = True
    yield from waits(1.0)
    next(region for region in view.regions if region.type == "UI").active_panel_category = "DGTalker"


def curves(head: bpy.types.Object) -> list[Any]:
    action = head.data.shape_keys.animation_data.action
    return [
        curve for layer in action.layers for strip in layer.strips for bag in strip.channelbags for curve in bag.fcurves
    ]


drive(Walk().steps(), 0.1)
