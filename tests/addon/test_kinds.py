"""A head of a kind that only this engine process knows: added, its sliders moved, rendered with F12."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

PROGRAM = Path(__file__).resolve().parents[1] / "network_kind" / "program.py"
ENGINE = os.environ.get("DGTALKER_ENGINE_PYTHON", "")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the engine's stand-in is a shell script")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("avatar") / "network.dgt"
    subprocess.run([ENGINE, "-I", str(PROGRAM), "write", str(path)], check=True)
    return path


@pytest.fixture
def knowing_engine(extension, tmp_path):
    """The extension with an engine that knows the kind; the usual one again after the test."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{ENGINE}" -I "{PROGRAM}" "$@"\n')
    python.chmod(0o755)
    preferences = bpy.context.preferences.addons[extension.__name__].preferences
    preferences.engine_python = str(python)
    yield
    preferences.engine_python = ENGINE


@pytest.fixture
def render(tmp_path):
    """F12 from the front, 96²: float32 (H, W, 4), top row first."""
    scene = bpy.context.scene
    scene.render.engine = "DGTALKER"
    scene.render.resolution_x = scene.render.resolution_y = 96
    scene.render.film_transparent = True
    scene.camera.location, scene.camera.rotation_euler = (0, -1, 0), (np.pi / 2, 0, 0)

    def go(name):
        scene.render.filepath = str(tmp_path / name)
        assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
        image = bpy.data.images.load(str(tmp_path / name))
        pixels = np.empty(96 * 96 * 4, np.float32)
        image.pixels.foreach_get(pixels)
        return pixels.reshape(96, 96, 4)[::-1]

    return go


def middle(picture):
    """The column of pixels around which the head lies."""
    alpha = picture[..., 3]
    return float(alpha.sum(axis=0) @ np.arange(96) / alpha.sum())


def test_a_network_is_a_head_like_any_other(knowing_engine, file, render):
    assert bpy.ops.dgtalker.add_head_from_file(filepath=str(file)) == {"FINISHED"}
    head = bpy.context.object
    blocks = head.data.shape_keys.key_blocks
    assert [block.name for block in blocks][1:4] == ["jawOpen", "z1", "slide"]
    assert (blocks["z1"].slider_min, blocks["z1"].slider_max) == (-2, 2)
    rest = render("rest.png")
    blocks["slide"].value = 1.0
    slid = render("slid.png")
    assert rest[..., 3].max() > 0.9
    assert middle(slid) > middle(rest) + 10
    blocks["slide"].value = 0.0
    blocks["z1"].value = -1.5
    assert np.abs(render("latent.png") - rest).max() > 0.05


def test_an_engine_that_does_not_know_the_kind_says_so(extension, file):
    with pytest.raises(RuntimeError, match="unknown kind 'network'"):
        bpy.ops.dgtalker.add_head_from_file(filepath=str(file))
    assert not [ob for ob in bpy.data.objects if ob.type == "MESH"]
