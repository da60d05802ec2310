"""The whole way, as an animator goes it: install the zip, add the head, drop a recording, animate, render.

Run by `python build.py demo` with Blender's Python; it works in a profile of its own.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

PROFILE = tempfile.mkdtemp(prefix="dgtalker-demo-")
os.environ["BLENDER_USER_RESOURCES"] = PROFILE

import bpy  # noqa: E402 (the profile must be known before Blender starts)
import numpy as np  # noqa: E402

FPS = 25
ADDON = "bl_ext.user_default.dgtalker"
BACKGROUND = (0.045, 0.055, 0.075, 1.0)


class Stages:
    """Says what is going on, and how long each stage took; what Blender prints goes to a file."""

    def __init__(self, log: Path) -> None:
        self.seconds: dict[str, float] = {}
        self._log = log.open("wb")

    def run(self, name: str, work, *arguments):
        print(f"demo: {name} …", flush=True)
        started = time.monotonic()
        terminal = os.dup(1)
        os.dup2(self._log.fileno(), 1)
        try:
            result = work(*arguments)
        finally:
            os.dup2(terminal, 1)
            os.close(terminal)
        self.seconds[name] = time.monotonic() - started
        return result

    def table(self) -> str:
        lines = [f"  {name:<32}{seconds:7.1f} s" for name, seconds in self.seconds.items()]
        return "\n".join([*lines, f"  {'together':<32}{sum(self.seconds.values()):7.1f} s"])


def install(archive: Path, engine: Path) -> None:
    bpy.ops.extensions.package_install_files(filepath=str(archive), repo="user_default", enable_on_install=True)
    bpy.context.preferences.addons[ADDON].preferences.engine_python = str(engine)
    bpy.ops.wm.read_homefile(use_empty=True)


def add_head() -> bpy.types.Object:
    bpy.ops.dgtalker.add_head()
    return bpy.context.object


def place_recording(audio: Path, head: bpy.types.Object) -> None:
    scene = bpy.context.scene
    scene.render.fps = FPS
    editor = scene.sequence_editor_create()
    strip = editor.strips.new_sound(audio.stem, str(audio), channel=1, frame_start=1)
    strip.dgtalker.speaker = head
    scene.frame_start = 1
    scene.frame_end = math.ceil(strip.frame_final_duration) if bpy.app.version < (5, 2) else math.ceil(strip.duration)


def animate() -> None:
    bpy.ops.dgtalker.animate()


def orbit_camera(head: bpy.types.Object) -> None:
    """A camera that travels from one side of the face to the other while it speaks."""
    scene = bpy.context.scene
    pivot = bpy.data.objects.new("Orbit", None)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.lens = 92
    camera.parent = pivot
    camera.location = (0.0, -0.95, 0.0)
    camera.rotation_euler = (math.radians(90), 0.0, 0.0)
    pivot.location = head.location
    for thing in (pivot, camera):
        scene.collection.objects.link(thing)
    for frame, degrees in ((scene.frame_start, -38), (scene.frame_end, 38)):
        pivot.rotation_euler = (0.0, 0.0, math.radians(degrees))
        pivot.keyframe_insert("rotation_euler", frame=frame)
    scene.camera = camera


def render_frames(out: Path, size: int) -> list[Path]:
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("Backdrop")
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = BACKGROUND
    scene.render.engine = "DGTALKER"
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(out / "frames" / "frame_")
    bpy.ops.render.render(animation=True)
    return sorted((out / "frames").glob("frame_*.png"))


def make_film(out: Path, frames: list[Path], audio: Path, size: int) -> Path:
    scene = bpy.data.scenes.new("Film")
    scene.render.fps = FPS
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.view_settings.view_transform = "Standard"
    scene.frame_end = len(frames)
    strips = scene.sequence_editor_create().strips
    pictures = strips.new_image("Frames", str(frames[0]), channel=1, frame_start=1)
    for frame in frames[1:]:
        pictures.elements.append(frame.name)
    strips.new_sound("Sound", str(audio), channel=2, frame_start=1)
    scene.render.image_settings.media_type = "VIDEO"
    scene.render.image_settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format = "MPEG4"
    scene.render.ffmpeg.codec = "H264"
    scene.render.ffmpeg.constant_rate_factor = "HIGH"
    scene.render.ffmpeg.audio_codec = "AAC"
    film = out / "talking_shot.mp4"
    scene.render.filepath = str(film)
    bpy.ops.render.render(animation=True, scene=scene.name)
    bpy.data.scenes.remove(scene)
    return film


def contact_sheet(out: Path, frames: list[Path], columns: int = 6, rows: int = 4) -> Path:
    """Frames spread over the whole shot, at half their size, in reading order."""
    chosen = [frames[round(i)] for i in np.linspace(0, len(frames) - 1, columns * rows)]
    tiles = []
    for path in chosen:
        image = bpy.data.images.load(str(path))
        pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
        image.pixels.foreach_get(pixels)
        tiles.append(pixels.reshape(image.size[1], image.size[0], 4)[::2, ::2])
        bpy.data.images.remove(image)
    grid = [np.concatenate(tiles[row * columns : (row + 1) * columns], axis=1) for row in reversed(range(rows))]
    pixels = np.concatenate(grid, axis=0)
    sheet = bpy.data.images.new("Contact sheet", pixels.shape[1], pixels.shape[0])
    sheet.pixels.foreach_set(np.ascontiguousarray(pixels).ravel())
    sheet.filepath_raw = str(out / "contact_sheet.png")
    sheet.file_format = "PNG"
    sheet.save()
    bpy.data.images.remove(sheet)
    return out / "contact_sheet.png"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zip", type=Path, required=True, help="the extension")
    parser.add_argument("--engine", type=Path, required=True, help="the engine's Python")
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=512, help="pixels of each side")
    options = parser.parse_args()
    shutil.rmtree(options.out / "frames", ignore_errors=True)
    options.out.mkdir(parents=True, exist_ok=True)

    stages = Stages(options.out / "blender.log")
    stages.run("installing the extension", install, options.zip, options.engine)
    head = stages.run("adding the head", add_head)
    stages.run("placing the recording", place_recording, options.audio, head)
    stages.run("animating", animate)
    stages.run("placing the camera", orbit_camera, head)
    frames = stages.run("rendering frames", render_frames, options.out, options.size)
    blend = options.out / "talking_shot.blend"
    stages.run("saving the .blend", lambda: bpy.ops.wm.save_as_mainfile(filepath=str(blend)))
    film = stages.run("writing the film", make_film, options.out, frames, options.audio, options.size)
    sheet = stages.run("drawing the contact sheet", contact_sheet, options.out, frames)

    print(f"\n{stages.table()}\n")
    for what, path in (("frames", frames[0].parent), ("film", film), ("contact sheet", sheet), (".blend", blend)):
        print(f"  {what:<16}{path}")
    print(f"  {len(frames)} frames of {options.size} × {options.size} pixels", flush=True)


if __name__ == "__main__":
    status = 1
    try:
        main()
        status = 0
    except (RuntimeError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
    finally:
        engine = sys.modules.get(f"{ADDON}.bridge.engine")
        if engine is not None:
            engine.stop()
        shutil.rmtree(PROFILE, ignore_errors=True)
        sys.stdout.flush()
        os._exit(status)  # bpy may crash while the interpreter ends
