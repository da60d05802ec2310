"""What Blender's main thread does when a slider of a long line moves whose lips are kept closed; and the panel's cost.

Run by `python build.py bench mending [--minutes M]`; prints JSON. A built-in head says the demo's sentence for M
minutes, its animator has dragged all keys of the jaw open, and Close Lips closes the lips. Then the slider Lips moves:
"steps" are the parts of what follows between which the window goes on (processor milliseconds of each, of which a busy
machine makes two to three times as many), "undo_steps" how many presses of Ctrl-Z bring the keys back that
were there before, "panel_ms" a redraw of the panel Speech with 100 strips, and with 100 that were animated.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PROFILE = tempfile.TemporaryDirectory(prefix="dgtalker-bench-")
os.environ["BLENDER_USER_RESOURCES"] = PROFILE.name

import bpy  # noqa: E402 (the profile must be known before Blender starts)
import numpy as np  # noqa: E402

ADDON = "bl_ext.user_default.dgtalker"
SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.wav"
STRIPS = 100
REDRAWS = 20


class Layout:
    """A panel's layout that takes everything and draws nothing, with every sub-panel open."""

    def __getattr__(self, name: str) -> Any:
        return lambda *words, **options: Layout()

    def __setattr__(self, name: str, value: object) -> None:
        pass

    def panel(self, *words: object, **options: object) -> tuple[Layout, Layout]:
        return Layout(), Layout()


def room(name: str) -> Any:
    return sys.modules[f"{ADDON}.{name}"]


def seconds(work: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def recording(minutes: float) -> Path:
    """The sample over and over."""
    path = Path(PROFILE.name) / "line.wav"
    with wave.open(str(SAMPLE)) as source, wave.open(str(path), "wb") as whole:
        whole.setparams(source.getparams())
        frames, size = source.readframes(source.getnframes()), int(60 * minutes * source.getframerate())
        whole.writeframes((frames * (1 + size // source.getnframes()))[: size * source.getsampwidth()])
    return path


def talking_head() -> bpy.types.Object:
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.dgtalker.add_head(builtin="robin")
    return bpy.context.object


def curve_of(head: bpy.types.Object, name: str) -> bpy.types.FCurve:
    animation = head.data.shape_keys.animation_data
    bag = animation.action.layers[0].strips[0].channelbag(animation.action_slot)
    return bag.fcurves.find(f'key_blocks["{name}"].value')


def drag_open(head: bpy.types.Object) -> None:
    """All keys of the jaw, as far as an animator drags them."""
    curve = curve_of(head, "jawOpen")
    for point in curve.keyframe_points:
        point.co.y = 0.6
    curve.update()


def written(head: bpy.types.Object) -> np.ndarray:
    """Keys of what the slider moves and what closes lips."""
    values = []
    for name in ("mouthFunnel", "mouthClose"):
        points = curve_of(head, name).keyframe_points
        values.append(np.empty(2 * len(points), np.float32))
        points.foreach_get("co", values[-1])
    return np.concatenate(values)


def mending(minutes: float) -> dict[str, Any]:
    head = talking_head()
    editor = bpy.context.scene.sequence_editor_create()
    strip = editor.strips.new_sound("line", str(recording(minutes)), channel=1, frame_start=1)
    strip.dgtalker.speaker = head
    animating = seconds(bpy.ops.dgtalker.animate)
    drag_open(head)
    closing = seconds(bpy.ops.dgtalker.close_lips)
    bpy.ops.ed.undo_push(message="before")
    before = written(head)
    live, retarget = room("speech.takes.live"), room("speech.takes.retarget")
    live.follow, follow = lambda head: None, live.follow
    strip.dgtalker.lips = 0.6
    live.follow = follow
    steps, milliseconds = retarget.rewrite_steps(head), []
    for _ in iter(lambda: timed(steps, milliseconds), True):
        pass
    moved = float(np.abs(written(head) - before).max())
    bpy.ops.ed.undo_push(message="Lips")
    name, undone = head.name, 0
    while undone < 5:
        bpy.ops.ed.undo()
        undone += 1
        if np.array_equal(written(bpy.data.objects[name]), before):
            break
    return {
        "minutes": minutes,
        "frames": len(before) // 4,
        "animate_s": round(animating, 1),
        "close_lips_s": round(closing, 1),
        "steps": len(milliseconds),
        "first_step_ms": round(milliseconds[0], 1),
        "median_step_ms": round(statistics.median(milliseconds), 1),
        "longest_steps_ms": [round(each, 1) for each in sorted(milliseconds)[-5:]],
        "all_steps_s": round(sum(milliseconds) / 1e3, 2),
        "keys_moved_by": round(moved, 3),
        "undo_steps": undone,
    }


def timed(steps: Any, milliseconds: list[float]) -> bool:
    """Does the next step; whether it was the last."""
    started = time.thread_time()
    ended = next(steps, steps) is steps
    milliseconds.append(1e3 * (time.thread_time() - started))
    return ended


def panel() -> dict[str, float]:
    """Processor milliseconds of a redraw."""
    head = talking_head()
    editor = bpy.context.scene.sequence_editor_create()
    for i in range(STRIPS):
        strip = editor.strips.new_sound(f"line {i}", str(SAMPLE), channel=1 + i % 2, frame_start=1 + 80 * i)
        strip.dgtalker.speaker = head
    editor.active_strip = strip
    figures = {"panel_ms": redraw()}
    bpy.ops.dgtalker.animate()
    return figures | {"panel_animated_ms": redraw()}


def redraw() -> float:
    panels = room("speech.ui.panels")
    context = bpy.context
    shown = SimpleNamespace(
        region=SimpleNamespace(width=400),
        preferences=context.preferences,
        scene=context.scene,
        window_manager=context.window_manager,
        view_layer=context.view_layer,
        object=context.object,
        active_object=context.object,
        selected_objects=[context.object],
        space_data=None,
        area=None,
        workspace=None,
    )
    drawn = SimpleNamespace(layout=Layout())
    spent = []
    for _ in range(REDRAWS):
        started = time.thread_time()
        panels.SpeechPanel.draw(drawn, shown)
        spent.append(time.thread_time() - started)
    return round(1e3 * statistics.median(spent), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    archive = os.environ["DGTALKER_ZIP"]
    with contextlib.redirect_stdout(sys.stderr):
        bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
        bpy.context.preferences.addons[ADDON].preferences.engine_python = os.environ["DGTALKER_ENGINE_PYTHON"]
        figures = {**panel(), "bars": {"panel_ms": 2.0}, **mending(options.minutes)}
    room("bridge.engine").stop()
    print(json.dumps(figures, indent=2), flush=True)


main()
PROFILE.cleanup()
os._exit(0)  # bpy may crash while the interpreter ends
