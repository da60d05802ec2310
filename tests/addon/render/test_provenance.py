"""Files that Blender writes say that they show a synthetic face, and which avatar's."""

from __future__ import annotations

import bpy
import pytest

SOURCE_TYPE = b"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def save(path, file_format):
    scene = bpy.context.scene
    if bpy.app.version >= (5, 0):
        scene.render.image_settings.media_type = "MULTI_LAYER_IMAGE" if "MULTI" in file_format else "IMAGE"
    scene.render.image_settings.file_format = file_format
    scene.render.filepath = str(path)
    assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
    return path.read_bytes()


def png_texts(data):
    """Keyword and text of the tEXt chunks of a PNG file."""
    texts, place = {}, 8
    while place < len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if kind == b"tEXt":
            keyword, text = data[place + 8 : place + 8 + length].split(b"\0", 1)
            texts[keyword.decode()] = text
        place += 12 + length
    return texts


def test_a_png_carries_the_packet_that_the_standards_name(scene, add_head, ball_file, tmp_path):
    avatar = add_head(ball_file).dgtalker.avatar_hash
    mark = png_texts(save(tmp_path / "f.png", "PNG"))["XML:com.adobe.xmp"]
    assert SOURCE_TYPE in mark
    assert avatar.encode() in mark
    assert b"DGTalker 0" in mark


@pytest.mark.parametrize("file_format", ["OPEN_EXR", "OPEN_EXR_MULTILAYER", "JPEG"])
def test_other_formats_carry_it_too(scene, add_head, ball_file, tmp_path, file_format):
    avatar = add_head(ball_file).dgtalker.avatar_hash
    written = save(tmp_path / ("f.jpg" if file_format == "JPEG" else "f.exr"), file_format)
    assert SOURCE_TYPE in written
    assert avatar.encode() in written


def test_the_avatars_of_all_view_layers_are_named(scene, add_head, ball_file, lamps_file, put_in, tmp_path):
    heads = [add_head(ball_file), add_head(lamps_file)]
    layers = [scene.view_layers[0], scene.view_layers.new("second")]
    for i, head in enumerate(heads):
        put_in(head, f"only {i}")
        layers[1 - i].layer_collection.children[f"only {i}"].exclude = True
    written = save(tmp_path / "f.exr", "OPEN_EXR_MULTILAYER")
    for head in heads:
        assert head.dgtalker.avatar_hash.encode() in written


def test_a_picture_of_nobody_is_not_marked(scene, tmp_path):
    assert SOURCE_TYPE not in save(tmp_path / "f.png", "PNG")
