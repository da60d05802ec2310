"""How live the heads in a real window are; `tests/bench/viewport.py` starts it, and says what the figures mean.

Runs inside a Blender whose window is 1280 × 720, writes its figures as JSON into the file that DGTALKER_REPORT names.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
from mathutils import Euler

sys.path.insert(0, str(Path(__file__).resolve().parent))
from steps import ADDON, Steps, drive, heads, running, start, until
from viewport_cases import in_view, plain_view, rest, room, view

SECONDS = 6.0
SLIDES = 20


class Clock:
    """How long functions of the main thread take, milliseconds: on the clock, and of the processor."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.worked: list[float] = []

    def timed(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            started, at = time.perf_counter(), time.thread_time()
            try:
                return work(*arguments)
            finally:
                self.taken.append(1e3 * (time.perf_counter() - started))
                self.worked.append(1e3 * (time.thread_time() - at))

        return timed

    def summary(self) -> dict[str, float]:
        figures = {}
        for name, numbers in (("", self.taken), ("processor_", self.worked)):
            figures[f"{name}median"] = round(statistics.median(numbers), 2)
            figures[f"{name}p95"] = round(sorted(numbers)[int(0.95 * len(numbers))], 2)
        return figures


def moving(change: Callable[[int], None]) -> Generator[None, None, dict[str, Any]]:
    """Figures of some seconds in which each redraw changes something."""
    live, drawing = room("live"), room("drawing")
    redraws, ticks = Clock(), Clock()
    pictures: set[int] = set()
    draw, guarded, advance = drawing.draw, live._guarded, live._advance
    kept: list[Any] = []  # so that no two have the same id

    def counted(picture, *others):
        kept.append(picture.wanted)
        pictures.add(id(picture.wanted))
        return draw(picture, *others)

    drawing.draw, live._guarded = counted, redraws.timed(guarded)
    live._advance = ticks.timed(advance)
    yield
    started, count = time.perf_counter(), 0
    while time.perf_counter() < started + SECONDS:
        count += 1
        change(count)
        view()[0].tag_redraw()
        yield
    taken = time.perf_counter() - started
    drawing.draw, live._guarded, live._advance = draw, guarded, advance
    return {
        "updates_per_s": round(len(pictures) / taken, 1),
        "redraws_per_s": round(len(redraws.taken) / taken, 1),
        "redraw_ms": redraws.summary(),
        "tick_ms": ticks.summary(),
    }


def pictures_per_s(head: bpy.types.Object, coarse: int) -> float:
    """What the engine alone could feed: each picture is of another face, and asked for when the last has come."""
    live, region = room("live"), next(iter(room("live")._regions.values()))
    slider = head.data.shape_keys.key_blocks["jawOpen"]
    wanted, count, started = region.wanted, 0, time.perf_counter()
    while time.perf_counter() < started + SECONDS:
        count += 1
        weights = {**wanted.heads[0].weights, slider.name: count % 50 / 50}
        pending = live._submit(replace(wanted, heads=(replace(wanted.heads[0], weights=weights),)).shot(coarse))
        while not pending.done:
            time.sleep(0.0005)
    return round(count / (time.perf_counter() - started), 1)


def redraws_without(change: Callable[[int], None]) -> Generator[None, None, float]:
    """Redraws a second of the same view with the stand-in mesh, live heads off."""
    drawn: list[None] = []
    handler = bpy.types.SpaceView3D.draw_handler_add(lambda: drawn.append(None), (), "WINDOW", "POST_PIXEL")
    bpy.context.window_manager.dgtalker_live = False
    yield
    drawn.clear()
    started, count = time.perf_counter(), 0
    while time.perf_counter() < started + SECONDS:
        count += 1
        change(count)
        view()[0].tag_redraw()
        yield
    taken = time.perf_counter() - started
    bpy.types.SpaceView3D.draw_handler_remove(handler, "WINDOW")
    bpy.context.window_manager.dgtalker_live = True
    yield from rest()
    return round(len(drawn) / taken, 1)


def latency(head: bpy.types.Object) -> Generator[None, None, dict[str, float]]:
    """Milliseconds from a slider's change to the first picture with it on the screen, after rest each time."""
    live, drawing = room("live"), room("drawing")
    slider = head.data.shape_keys.key_blocks["jawOpen"]
    seen: list[float] = []
    draw = drawing.draw

    def watched(picture, *others):
        result = draw(picture, *others)
        seen.append(picture.wanted.heads[0].weights["jawOpen"])
        return result

    drawing.draw, taken = watched, []
    for i in range(SLIDES):
        yield from rest(redraws=0)
        value = 0.2 + 0.6 * (i % 2) + 0.01 * i
        started = time.perf_counter()
        slider.value = value
        while not seen or abs(seen[-1] - value) > 1e-4:
            yield
        taken.append(1e3 * (time.perf_counter() - started))
    drawing.draw = draw
    assert live.problem == ""
    return {"median": round(statistics.median(taken), 1), "worst": round(max(taken), 1)}


def measure() -> Steps:
    bpy.ops.extensions.package_install_files(
        filepath=os.environ["DGTALKER_ZIP"], repo="user_default", enable_on_install=True
    )
    bpy.context.preferences.addons[ADDON].preferences.engine_python = os.environ["DGTALKER_ENGINE_PYTHON"]
    for ob in [ob for ob in bpy.data.objects if ob.type == "MESH"]:
        bpy.data.objects.remove(ob)
    start("add_head")
    yield from until(lambda: not running())
    (head,) = heads()
    head.select_set(False)
    with in_view():
        bpy.ops.screen.screen_full_area(use_hide_panels=True)
    yield
    plain_view()
    yield from rest()
    _, region, space = view()
    jaw = head.data.shape_keys.key_blocks["jawOpen"]
    figures: dict[str, Any] = {"size": [region.width, region.height], "blender": bpy.app.version_string}

    def turn(count: int) -> None:
        rotation = space.region_3d.view_rotation.copy()
        rotation.rotate(Euler((0.0, 0.0, 0.02)))
        space.region_3d.view_rotation = rotation

    figures["pictures_per_s"] = {"full": pictures_per_s(head, 1), "half": pictures_per_s(head, 2)}
    figures["orbit"] = yield from moving(turn)
    figures["redraws_per_s_without_live_heads"] = yield from redraws_without(turn)
    plain_view()
    figures["slider"] = yield from moving(lambda count: setattr(jaw, "value", count % 50 / 50))
    figures["slider_to_picture_ms"] = yield from latency(head)
    Path(os.environ["DGTALKER_REPORT"]).write_text(json.dumps(figures), encoding="utf-8")


drive(measure(), pause=0.001)
