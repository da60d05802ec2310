"""The extension reads the preview pictures that the engine writes, without Blender's images and thumbnails."""

from __future__ import annotations

import importlib
import sys
import types

import numpy as np
import pytest
from PIL import Image

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rendering.formats import png
from dgtalker_engine.wire import provenance


@pytest.fixture(scope="module")
def pictures(addon):
    """`blender_addon.training.pictures`, without the room's `__init__`, which needs Blender."""
    room = types.ModuleType("blender_addon.training")
    room.__path__ = [f"{addon.__path__[0]}/training"]
    sys.modules["blender_addon.training"] = room
    yield importlib.import_module("blender_addon.training.pictures")
    for name in [name for name in sys.modules if name.startswith("blender_addon.training")]:
        del sys.modules[name]


def noise(height, width):
    return np.random.default_rng(height).integers(0, 256, (height, width, 4), np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (37, 64), (512, 300)])
def test_a_picture_of_the_engine_comes_back_as_it_was(pictures, tmp_path, size):
    path = tmp_path / "preview.png"
    path.write_bytes(png.encode(noise(*size), provenance.xmp([])))
    assert np.array_equal(pictures.read(path), noise(*size))


def test_a_wide_picture_is_made_smaller_by_averages_and_stands_in_a_clear_square(pictures):
    picture = noise(256, 512)
    icon = pictures.icon(picture).view(np.uint8).reshape(256, 256, 4)[::-1]
    averages = picture.reshape(128, 2, 256, 2, 4).astype(float).mean((1, 3))
    assert np.abs(icon[64:192] - averages).max() <= 1.0
    assert not icon[:64].any()
    assert not icon[192:].any()


def test_a_small_picture_grows_to_the_whole_square(pictures):
    picture = noise(32, 32)
    icon = pictures.icon(picture).view(np.uint8).reshape(256, 256, 4)[::-1]
    assert np.array_equal(icon[::8, ::8], picture)


def test_what_is_no_picture_of_the_engine_is_refused(pictures, tmp_path):
    path = tmp_path / "preview.png"
    whole = png.encode(noise(40, 40), provenance.xmp([]))
    Image.new("RGB", (40, 40)).save(tmp_path / "other.png")
    for data in (b"", b"GIF89a", whole[:60], whole[:-400], (tmp_path / "other.png").read_bytes()):
        path.write_bytes(data)
        with pytest.raises(DGTalkerError, match="cannot be read"):
            pictures.read(path)
    with pytest.raises(DGTalkerError, match="cannot be read"):
        pictures.read(tmp_path / "nowhere.png")
