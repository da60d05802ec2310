"""Milliseconds per frame of the built-in head: engine alone, through F12, and Blender's own PNG writing apart.

Run by `python build.py bench render [FRAMES]`; prints JSON. Medians; "f12" writes no file, so a frame on disk takes
"f12" and "blender_png" together. The head turns and opens its mouth, and is nearly as tall as the picture.
"cancel_ms" is a single ESC during a picture of 3600 × 3600, without Blender's share.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PROFILE = tempfile.TemporaryDirectory(prefix="dgtalker-bench-")
os.environ["BLENDER_USER_RESOURCES"] = PROFILE.name

import bpy  # noqa: E402 (the profile must be known before Blender starts)

EXTENSION = "bl_ext.user_default.dgtalker"
SIZES = ((512, 512), (1920, 1080))


def set_up() -> bpy.types.Scene:
    bpy.ops.extensions.package_install_files(
        filepath=os.environ["DGTALKER_ZIP"], repo="user_default", enable_on_install=True
    )
    bpy.context.preferences.addons[EXTENSION].preferences.engine_python = os.environ["DGTALKER_ENGINE_PYTHON"]
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    scene = bpy.context.scene
    bpy.ops.dgtalker.add_head()
    head = bpy.context.object
    for frame, turn, open_ in ((1, -0.5, 0.0), (100, 0.5, 1.0)):
        head.rotation_euler.z = turn
        head.keyframe_insert("rotation_euler", frame=frame)
        jaw = head.data.shape_keys.key_blocks["jawOpen"]
        jaw.value = open_
        jaw.keyframe_insert("value", frame=frame)
    scene.camera.location = (0.0, -1.0, 0.0)
    scene.camera.rotation_euler = (1.5708, 0.0, 0.0)
    scene.camera.data.lens = 85
    scene.render.engine = "DGTALKER"
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    return scene


def median_ms(work: Callable[[], object], scene: bpy.types.Scene, frames: int) -> float:
    """Of `work` alone, once per frame, after one frame that is not counted."""
    taken = []
    for frame in range(frames + 1):
        scene.frame_set(1 + frame * 99 // frames)
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return round(statistics.median(taken[1:]) * 1000, 2)


def measure(scene: bpy.types.Scene, width: int, height: int, frames: int) -> dict[str, float]:
    scene.render.resolution_x, scene.render.resolution_y = width, height
    shot = sys.modules[f"{EXTENSION}.render.shot"]
    picture = sys.modules[f"{EXTENSION}.render.picture"]

    def engine_alone() -> None:
        asked, _ = shot.frame_shot(bpy.context.evaluated_depsgraph_get(), scene.camera, (width, height))
        picture.render(asked)

    def save() -> None:
        bpy.data.images["Render Result"].save_render(str(Path(PROFILE.name) / "frame.png"))

    return {
        "engine": median_ms(engine_alone, scene, frames),
        "f12": median_ms(bpy.ops.render.render, scene, frames),
        "blender_png": median_ms(save, scene, min(frames, 5)),
    }


def cancel_ms(scene: bpy.types.Scene) -> float:
    """From the wish to end, a moment after a picture of 3600 × 3600 began, to the end."""
    shot, _ = sys.modules[f"{EXTENSION}.render.shot"].frame_shot(
        bpy.context.evaluated_depsgraph_get(), scene.camera, (3600, 3600)
    )
    asks_at, asked = time.perf_counter() + 0.02, 0.0

    def should_cancel() -> bool:
        nonlocal asked
        if time.perf_counter() > asks_at:
            asked = asked or time.perf_counter()
        return asked > 0

    try:
        sys.modules[f"{EXTENSION}.render.picture"].render(shot, should_cancel=should_cancel)
    except sys.modules[f"{EXTENSION}.render.engine"].Cancelled:
        return round((time.perf_counter() - asked) * 1000, 2)
    raise AssertionError("the picture was there before it could be cancelled")


def main() -> None:
    # Blender talks on standard output, from C.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    scene = set_up()
    figures = {f"{width}x{height}": measure(scene, width, height, frames) for width, height in SIZES}
    cancelled = cancel_ms(scene)
    sys.modules[f"{EXTENSION}.bridge.engine"].stop()
    report = {"ms_per_frame": figures, "cancel_ms": cancelled, "frames": frames, "blender": bpy.app.version_string}
    print(json.dumps(report, indent=2), file=answer, flush=True)
    PROFILE.cleanup()
    os._exit(0)  # bpy may crash or hang while the interpreter ends


if __name__ == "__main__":
    main()
