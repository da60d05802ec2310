"""Frames per second to PNG files out of Blender: Render ▸ Head Animation beside Ctrl-F12, in the same run.

Run by `python build.py bench head_animation [FRAMES]`; prints JSON. The built-in head turns and opens its mouth, and is
nearly as tall as the picture. "again" is the same Head Animation with every file there already, of which nothing is
rendered. Ctrl-F12 has a tenth of the frames. "load" is what the machine had to do besides.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))
from render import EXTENSION, PROFILE, SIZES, set_up


def measure(scene: bpy.types.Scene, width: int, height: int, frames: int) -> dict[str, float]:
    scene.render.resolution_x, scene.render.resolution_y = width, height
    folder = Path(PROFILE.name) / "frames"
    ours = timed(scene, folder / "ours_", frames, bpy.ops.dgtalker.render_head_animation)
    again = timed(scene, folder / "ours_", frames, bpy.ops.dgtalker.render_head_animation)
    theirs = timed(scene, folder / "blender_", max(2, frames // 10), lambda: bpy.ops.render.render(animation=True))
    shutil.rmtree(folder)
    return {"head_animation": ours, "again": again, "ctrl_f12": theirs, "times": round(ours / theirs, 1)}


def timed(scene: bpy.types.Scene, path: Path, frames: int, work: Callable[[], object]) -> float:
    """Frames per second."""
    scene.render.filepath = str(path)
    scene.frame_start, scene.frame_end = 1, frames
    started = time.perf_counter()
    work()
    return round(frames / (time.perf_counter() - started), 2)


def main() -> None:
    # Blender talks on standard output, from C.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    scene = set_up()
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.frame_start, scene.frame_end, scene.render.filepath = 1, 2, str(Path(PROFILE.name) / "warm_")
    bpy.ops.dgtalker.render_head_animation()
    figures = {f"{width}x{height}": measure(scene, width, height, frames) for width, height in SIZES}
    sys.modules[f"{EXTENSION}.bridge.engine"].stop()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    report = {"frames_per_second": figures, "frames": frames, "load": load, "blender": bpy.app.version_string}
    print(json.dumps(report, indent=2), file=answer, flush=True)
    PROFILE.cleanup()
    os._exit(0)  # bpy may crash or hang while the interpreter ends


if __name__ == "__main__":
    main()
