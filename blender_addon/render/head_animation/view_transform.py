"""Blender's view transform as numbers: it has no function for that, but it saves pictures through it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from dgtalker_engine.wire import display_places

from .. import colours

_SIDE = 65


def exposure(scene: bpy.types.Scene) -> float | None:
    """Stops, where colours are stored as sRGB after that; None where they go through more than an exposure."""
    view = _settings(scene)
    plain = (
        view.view_transform == "Standard"
        and view.look == "None"
        and view.gamma == 1
        and not view.use_curve_mapping
        and not view.use_white_balance
        and _display(scene).display_device == "sRGB"
    )
    return view.exposure if plain else None


def sampled(scene: bpy.types.Scene) -> bytes:
    """What Blender stores of the colours of a `wire.SequenceRequest.display`.

    Saves a picture of them, which changes nothing in the file and takes about 0.2 s.
    """
    places = np.array(display_places(_SIDE), np.float32)
    cube = np.stack(np.meshgrid(places, places, places, indexing="ij"), axis=-1)
    linear = colours.to_scene_linear(np.concatenate([cube, np.ones_like(cube[..., :1])], axis=-1))
    copy = scene.copy()
    image = bpy.data.images.new("DGTalker View Transform", _SIDE * _SIDE, _SIDE, float_buffer=True)
    try:
        pixels: Any = image.pixels
        pixels.foreach_set(np.ascontiguousarray(linear, np.float32).ravel())
        settings: Any = copy.render.image_settings
        if bpy.app.version >= (5, 0):
            settings.media_type = "IMAGE"
        settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGB", "16"
        with tempfile.TemporaryDirectory(prefix="dgtalker-") as folder:
            path = Path(folder) / "colours.png"
            image.save_render(str(path), scene=copy)
            stored = _stored(path)
    finally:
        bpy.data.images.remove(image)
        bpy.data.scenes.remove(copy)
    return np.ascontiguousarray(stored, "<f4").tobytes()


def _stored(path: Path) -> np.ndarray:
    """The numbers in a picture's file, float32 (n, n, n, 3)."""
    image = bpy.data.images.load(str(path), check_existing=False)
    try:
        space: Any = image.colorspace_settings
        space.name = "Non-Color"
        numbers = np.empty(_SIDE**3 * image.channels, np.float32)
        image.pixels.foreach_get(numbers)
        return numbers.reshape(_SIDE, _SIDE, _SIDE, -1)[..., :3]
    finally:
        bpy.data.images.remove(image)


def _settings(scene: bpy.types.Scene) -> Any:
    settings: Any = scene.render.image_settings
    return settings.view_settings if settings.color_management == "OVERRIDE" else scene.view_settings


def _display(scene: bpy.types.Scene) -> Any:
    settings: Any = scene.render.image_settings
    return settings.display_settings if settings.color_management == "OVERRIDE" else scene.display_settings
