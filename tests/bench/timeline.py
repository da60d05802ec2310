"""Fifty lines of three heads: seconds to animate them, and again after one thing was changed on the timeline; how often
the engine was asked for it, and what is kept. Blender's own work is told by its processor time, too.

Run by `python build.py bench timeline`; prints JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path

PROFILE = tempfile.TemporaryDirectory(prefix="dgtalker-bench-")
os.environ["BLENDER_USER_RESOURCES"] = PROFILE.name

import bpy  # noqa: E402 (the profile must be known before Blender starts)
from timelines.speakers import make_head  # noqa: E402

ADDON = "bl_ext.user_default.dgtalker"
LINES = 50
HEADS = ("Ada", "Bob", "Cleo")
SECONDS = 3.0
PAUSE = 12
"""Frames between two lines."""
SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.wav"


def line(number: int, shift: int = 0) -> Path:
    """A sound of its own: a part of the sample that no other line has."""
    path = Path(PROFILE.name) / f"line {number:02d}.wav"
    with wave.open(str(SAMPLE)) as source, wave.open(str(path), "wb") as part:
        part.setparams(source.getparams())
        count = int(SECONDS * source.getframerate())
        source.setpos((1009 * number + shift) % (source.getnframes() - count))
        part.writeframes(source.readframes(count))
    return path


def strip_start(strip: bpy.types.Strip) -> str:
    return "content_start" if bpy.app.version >= (5, 2) else "frame_start"


def main() -> None:
    archive = os.environ["DGTALKER_ZIP"]
    with contextlib.redirect_stdout(sys.stderr):
        bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    bpy.context.preferences.addons[ADDON].preferences.engine_python = os.environ["DGTALKER_ENGINE_PYTHON"]
    engine = sys.modules[f"{ADDON}.bridge.engine"]
    asked: list[str] = []
    submit = engine.submit

    def counted(op: str, *arguments):
        asked.append(op)
        return submit(op, *arguments)

    engine.submit = counted
    heads = [make_head(name, neck=True) for name in HEADS]
    scene = bpy.context.scene
    editor = scene.sequence_editor_create()
    strips, frame = [], 20
    for number in range(LINES):
        strip = editor.strips.new_sound(f"line {number:02d}", str(line(number)), 1 + number % 2, frame)
        strip.dgtalker.speaker = heads[number % len(heads)]
        strips.append(strip)
        frame += int(SECONDS * scene.render.fps) + PAUSE

    figures: dict[str, object] = {"lines": LINES, "heads": len(heads), "minutes": round(frame / 24 / 60, 2)}

    def measure(name: str, change: Callable[[], object]) -> None:
        with contextlib.redirect_stdout(sys.stderr):
            change()
            asked.clear()
            started, worked = time.perf_counter(), time.process_time()
            bpy.ops.dgtalker.animate()
        figures[name] = {
            "s": round(time.perf_counter() - started, 2),
            "processor_s": round(time.process_time() - worked, 2),
            "asked": asked.count("animate"),
        }

    def moved() -> None:
        setattr(strips[10], strip_start(strips[10]), getattr(strips[10], strip_start(strips[10])) + 3)

    def copied() -> None:
        again = editor.strips.new_sound("copy", strips[4].sound.filepath, 5, frame + 20)
        again.dgtalker.speaker = strips[4].dgtalker.speaker

    def trimmed() -> None:
        name = "left_handle" if bpy.app.version >= (5, 2) else "frame_final_start"
        setattr(strips[20], name, getattr(strips[20], name) + 10)

    def split() -> None:
        start = getattr(strips[30], strip_start(strips[30]))
        strips[30].split(frame=int(start) + 40, split_method="SOFT")

    def replaced() -> None:
        line(40, shift=40000)

    measure("first_animate", lambda: None)
    for name, change in (
        ("nothing_changed", lambda: None),
        ("one_moved", moved),
        ("one_copied", copied),
        ("one_trimmed", trimmed),
        ("one_split", split),
        ("one_sound_replaced", replaced),
    ):
        measure(name, change)
    path = Path(PROFILE.name) / "film.blend"
    with contextlib.redirect_stdout(sys.stderr):
        bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    own = [head.dgtalker_speech for head in heads]
    figures["kept_kB"] = round(sum(len(each.take) + len(each.heard_lines) for each in own) / 1000)
    figures["blend_MB"] = round(path.stat().st_size / 1e6, 1)
    figures["peak_memory_MB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    figures["bars"] = {"nothing_changed_s": 1.0, "one_moved_asked": 0}
    engine.stop()
    print(json.dumps(figures, indent=2), flush=True)


main()
PROFILE.cleanup()
os._exit(0)  # bpy may crash while the interpreter ends
