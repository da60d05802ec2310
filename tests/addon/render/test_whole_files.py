"""Telling a whole picture from one that was cut off, in every format that Blender writes."""

from __future__ import annotations

import bpy
import numpy as np
import pytest


def formats() -> list[tuple[str, str]]:
    """File format and colour depth: all that this Blender writes from one picture."""
    scene = bpy.context.scene
    settings, found = scene.render.image_settings, []
    if bpy.app.version >= (5, 0):
        settings.media_type = "IMAGE"
    for file_format in [item.identifier for item in settings.bl_rna.properties["file_format"].enum_items]:
        for depth in ("8", "10", "12", "16", "32"):
            try:
                settings.file_format = file_format
                settings.color_depth = depth
            except TypeError:
                continue
            if file_format not in ("FFMPEG", "OPEN_EXR_MULTILAYER"):
                found.append((file_format, depth))
    return found


@pytest.fixture(params=["noise", "smooth"])
def picture(request):
    width, height = 97, 61
    image = bpy.data.images.new("picture", width, height, alpha=True, float_buffer=True)
    pixels = np.random.default_rng(0).random(width * height * 4)
    if request.param == "smooth":
        pixels = np.linspace(0, 1, width * height * 4).round(1)
    image.pixels.foreach_set(pixels.astype(np.float32))
    return image


def test_every_format_is_told_whole_from_cut_off(room, picture, tmp_path):
    is_whole = room("render.whole_files").is_whole
    scene = bpy.context.scene
    cut = tmp_path / "cut"
    every = formats()
    assert len(every) >= 20
    for file_format, depth in every:
        scene.render.image_settings.file_format = file_format
        scene.render.image_settings.color_depth = depth
        path = tmp_path / f"{file_format}-{depth}{scene.render.file_extension}"
        picture.save_render(str(path), scene=scene)
        data = path.read_bytes()
        assert is_whole(path), path.name
        for size in (len(data) - 1, len(data) * 9 // 10, len(data) // 2, 20, 1, 0):
            cut.write_bytes(data[:size])
            assert not is_whole(cut), (path.name, size)


@pytest.mark.parametrize("interleaved", [True, False])
def test_a_multilayer_file_is_told_whole_from_cut_off(room, scene, add_head, ball_file, tmp_path, interleaved):
    """With one part, or with one for each pass."""
    add_head(ball_file)
    settings = scene.render.image_settings
    if bpy.app.version >= (5, 0):
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format = "OPEN_EXR_MULTILAYER"
    if hasattr(settings, "use_exr_interleave"):
        settings.use_exr_interleave = interleaved
    scene.view_layers[0].use_pass_z = True
    scene.render.filepath = str(tmp_path / "frame.exr")
    bpy.ops.render.render(write_still=True)
    data = (tmp_path / "frame.exr").read_bytes()
    is_whole = room("render.whole_files").is_whole
    assert is_whole(tmp_path / "frame.exr")
    for size in (len(data) - 1, len(data) // 2, 1000, 100):
        (tmp_path / "cut").write_bytes(data[:size])
        assert not is_whole(tmp_path / "cut")
