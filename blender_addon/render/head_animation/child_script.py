"""What another Blender does for Head Animation, so that the animator's file and window know nothing of it: a film of
pictures, and a contact sheet. It runs there as a script and imports nothing of the extension.

The task is the first line of the standard input, as JSON. Where that input ends, the Blender that asked is gone: what
is unfinished is removed, and this one ends, too.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import bpy

MARK = "DGTALKER_CHILD "
"""What is said to the Blender that asked stands on lines that begin with it."""

_NEW = bpy.app.version >= (5, 0)
_STRIP = 500
"""Pictures of a strip: each that is added to one copies those before it, so that ten thousand take half a minute."""
_GREY = (0.02, 0.02, 0.02)
"""Scene-linear, behind a sheet's pictures."""


def encode(task: dict[str, Any]) -> None:
    """A film of pictures.

    Args:
        task: `folder` of the `pictures`, by name, in order; `film`, its path; `sound`, the path of a WAV
            file that begins with the first picture, or empty; `fps`, `fps_base`, `pixel_aspect`; `image` and `ffmpeg`,
            settings of Blender's by name.

    Raises:
        RuntimeError: Blender did not make the film.
    """
    folder, names = task["folder"], task["pictures"]
    scene = _scene(*_size(os.path.join(folder, names[0])))
    strips: Any = scene.sequence_editor.strips
    for start in range(0, len(names), _STRIP):
        first, *others = names[start : start + _STRIP]
        pictures = strips.new_image("Pictures", os.path.join(folder, first), 1, 1 + start, fit_method="ORIGINAL")
        for name in others:
            pictures.elements.append(name)
    if task["sound"]:
        strips.new_sound("Sound", task["sound"], 2, 1)
    scene.frame_end = len(names)
    _encode(scene, task)


def try_encoder(task: dict[str, Any]) -> None:
    """A film of one black frame: whether the encoder takes what it is asked for.

    Args:
        task: `size` of the pictures; `film`, the path of a file that may be written; the rest as `encode` has it.

    Raises:
        RuntimeError: it does not.
    """
    scene = _scene(*task["size"])
    _effect(scene, "Nothing", "COLOR", 1)
    _encode(scene, task)


def _encode(scene: bpy.types.Scene, task: dict[str, Any]) -> None:
    """What a scene's sequencer shows, from frame 1 on, into a film."""
    render, count = scene.render, scene.frame_end
    render.fps, render.fps_base = task["fps"], task["fps_base"]
    render.pixel_aspect_x, render.pixel_aspect_y = task["pixel_aspect"]
    settings: Any = render.image_settings
    if _NEW:
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    for owner, values in ((render.ffmpeg, task["ffmpeg"]), (settings, task["image"])):
        for name, value in values.items():
            setattr(owner, name, value)
    _set_output(render, task["film"])
    bpy.app.handlers.render_write.append(lambda scene, *_: say(progress=scene.frame_current / count))
    bpy.ops.render.render(animation=True, scene=scene.name)
    _check(task["film"], count)


def _check(film: str, count: int) -> None:
    """Blender ends well, too, where the disk was full when the film's end was written. Sound that ends after the last
    frame may count as more of them."""
    found = bpy.data.movieclips.load(film).frame_duration
    if found < count - 1 or not found:
        raise RuntimeError(
            f"of {count} frames {found} can be read; the disk may be full, or the container may not suit the codec."
        )


def draw_sheet(task: dict[str, Any]) -> None:
    """Pictures side by side with captions below, one sheet in reading order.

    Args:
        task: `pictures`, paths; `captions` of them; `columns`; `width` of each in the sheet, pixels; `stretch`, what
            the pictures' height is multiplied with; `view`, settings of Blender's view by name; `sheet`, the path of a
            PNG file.

    Raises:
        RuntimeError: Blender did not write the sheet.
    """
    width, height = _size(task["pictures"][0])
    scale = task["width"] / width
    tall = max(1, round(height * scale * task["stretch"]))
    gap = max(4, task["width"] // 40)
    line = max(10, task["width"] // 16)
    columns, rows = task["columns"], -(-len(task["pictures"]) // task["columns"])
    across, down = task["width"] + gap, tall + line + 2 * gap
    scene = _scene(columns * across + gap, rows * down + gap)
    render = scene.render
    for name, value in task["view"].items():
        setattr(scene.view_settings, name, value)
    strips: Any = scene.sequence_editor.strips
    _effect(scene, "Behind", "COLOR", 1).color = _GREY
    for i, (path, caption) in enumerate(zip(task["pictures"], task["captions"], strict=True)):
        left, top = gap + i % columns * across, gap + i // columns * down
        picture = strips.new_image("Picture", path, 2 + 2 * i, 1, fit_method="ORIGINAL")
        place = picture.transform
        place.scale_x, place.scale_y = scale, scale * task["stretch"]
        place.offset_x = left + task["width"] / 2 - render.resolution_x / 2
        place.offset_y = render.resolution_y / 2 - top - tall / 2
        text = _effect(scene, "Caption", "TEXT", 3 + 2 * i)
        text.text, text.font_size, text.use_shadow = caption, line, False
        text.anchor_x, text.anchor_y, text.alignment_x = "CENTER", "TOP", "CENTER"
        text.location = (
            (left + task["width"] / 2) / render.resolution_x,
            1 - (top + tall + gap / 2) / render.resolution_y,
        )
    settings: Any = render.image_settings
    if _NEW:
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode = "PNG", "RGB"
    _set_output(render, task["sheet"])
    bpy.ops.render.render(write_still=True, scene=scene.name)
    if not os.path.isfile(task["sheet"]):
        raise RuntimeError("Blender wrote no file")


def _scene(width: int, height: int) -> bpy.types.Scene:
    """One whose sequencer's pictures keep the numbers that their files have."""
    scene = bpy.data.scenes.new("DGTalker")
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.dither_intensity = 0
    view: Any = scene.view_settings
    view.view_transform = "Standard"
    scene.frame_start = scene.frame_end = 1
    scene.sequence_editor_create()
    return scene


def _effect(scene: bpy.types.Scene, name: str, kind: str, channel: int) -> Any:
    """A strip of one frame."""
    strips: Any = scene.sequence_editor.strips
    length: dict[str, int] = {"length": 1} if _NEW else {"frame_end": 2}
    return strips.new_effect(name, kind, channel, 1, **length)


def _set_output(render: bpy.types.RenderSettings, path: str) -> None:
    """As it is: what stands in braces is a template for Blender, unless they are doubled."""
    render.filepath = path.replace("{", "{{").replace("}", "}}")
    render.use_file_extension = False


def _size(path: str) -> tuple[int, int]:
    """Of a picture, which an Image of several layers would not tell."""
    clip: Any = bpy.data.movieclips.load(path)
    width, height = clip.size
    if not width * height:
        raise RuntimeError(f"{path} cannot be read")
    return width, height


def say(**words: object) -> None:
    print(MARK + json.dumps(words), flush=True)


def _end_with_parent(unfinished: Path) -> None:
    while sys.stdin.buffer.readline():
        pass
    unfinished.unlink(missing_ok=True)
    os._exit(1)


def main() -> None:
    task = json.loads(sys.stdin.buffer.readline())
    work = {"encode": encode, "try_encoder": try_encoder, "draw_sheet": draw_sheet}[task["work"]]
    threading.Thread(target=_end_with_parent, args=[Path(task["unfinished"])], daemon=True).start()
    try:
        work(task)
        say(done=True)
    except RuntimeError as error:
        say(error=str(error).removeprefix("Error: ").strip())
    os._exit(0)  # as a Python module Blender may crash or hang while the interpreter ends


if __name__ == "__main__":
    main()
