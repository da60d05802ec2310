"""Scenes with heads whose pictures can be foretold: a few Gaussians of known places and colours."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest

MAKE_AVATAR = """
import sys
from pathlib import Path
import numpy as np
from dgtalker_engine.avatar import Consent, LinearAvatar, Metadata, ProxyMesh, save
from dgtalker_engine.avatar.kinds.linear.sparse import SparseDeltas
from dgtalker_engine.rig import Control, Rig

names, means, colours, scale = eval(sys.argv[1])
count = len(means)
rig = Rig(tuple(Control(name, "expression") for name in names))
base = {
    "means": np.array(means, np.float32),
    "quats": np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
    "scales": np.full((count, 3), scale, np.float32),
    "opacities": np.ones(count, np.float32),
    "sh": ((np.array(colours, np.float32) - 0.5) / 0.28209479177387814)[:, None],
}
# Each control moves everything by 0.2 m along +X per unit.
moves = np.zeros((len(names), count, 3), np.float32)
moves[..., 0] = 0.2
corners = np.array([[-0.1, 0, -0.1], [0.1, 0, -0.1], [0, 0, 0.1]], np.float32)
proxy = ProxyMesh(
    corners,
    np.array([[0, 1, 2, -1]], np.int32),
    corners[:, ::2] * 5 + 0.5,
    np.ones((3, 4), np.float32),
    np.tile(np.array([0.2, 0, 0], np.float32), (len(names), 3, 1)),
)
consent = Consent("nobody", "tests", "nobody", "", "synthetic")
metadata = Metadata(1, "linear", "Lamps", rig, consent, "CC0-1.0", "")
save(LinearAvatar(metadata, base, {"means": SparseDeltas.from_dense(moves, 0)}, proxy), Path(sys.argv[2]))
"""

LAMPS = ((-0.12, 0.0, 0.08), (0.15, -0.05, 0.02), (0.03, 0.04, -0.14))

SIZE = 128


def make_avatar(path: Path, controls, means, colours, scale) -> Path:
    python = os.environ["DGTALKER_ENGINE_PYTHON"]
    subprocess.run([python, "-I", "-c", MAKE_AVATAR, repr((controls, means, colours, scale)), str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def lamps_file(tmp_path_factory) -> Path:
    """Three small white lamps; the controls `slide` and `slip` each move them by 0.2 m along +X."""
    path = tmp_path_factory.mktemp("avatar") / "lamps.dgt"
    return make_avatar(path, ("slide", "slip"), LAMPS, [(1, 1, 1)] * 3, 0.006)


@pytest.fixture(scope="session")
def ball_file(tmp_path_factory) -> Path:
    """A ball, all of one sRGB colour and opaque in its middle; the control `slide` moves it by 0.2 m along +X."""
    points = np.random.default_rng(1).normal(0, 0.03, (300, 3)).round(4).tolist()
    path = tmp_path_factory.mktemp("avatar") / "ball.dgt"
    return make_avatar(path, ("slide",), points, [(0.8, 0.4, 0.2)] * 300, 0.02)


@pytest.fixture
def scene(room) -> bpy.types.Scene:
    """128², the camera 1 m before the origin at the height of the head, transparent film, exact colours."""
    scene = bpy.context.scene
    scene.render.engine = "DGTALKER"
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    scene.render.dither_intensity = 0
    scene.view_settings.view_transform = "Standard"
    scene.camera.location = (0, -1, 0)
    scene.camera.rotation_euler = (np.pi / 2, 0, 0)
    scene.camera.data.lens = 60
    return scene


@pytest.fixture
def add_head(room):
    """Adds the head of a .dgt file at a place, as the button does."""

    def add(file: Path, location=(0, 0, 0)) -> bpy.types.Object:
        bpy.context.scene.cursor.location = location
        assert bpy.ops.dgtalker.add_head_from_file(filepath=str(file)) == {"FINISHED"}
        bpy.context.scene.cursor.location = (0, 0, 0)
        return bpy.context.object

    return add


@pytest.fixture
def put_in():
    """Moves an object into a new collection of its own, which is linked to the scene unless it is only instanced."""

    def move(ob: bpy.types.Object, name: str, linked: bool = True) -> bpy.types.Collection:
        for collection in ob.users_collection:
            collection.objects.unlink(ob)
        collection = bpy.data.collections.new(name)
        collection.objects.link(ob)
        if linked:
            bpy.context.scene.collection.children.link(collection)
        return collection

    return move


@pytest.fixture
def render(tmp_path):
    """Renders the current frame to a file and returns its pixels, float32 (H, W, 4), straight alpha, top row first."""

    def go(name: str = "frame.png", **settings) -> np.ndarray:
        scene = bpy.context.scene
        for setting, value in settings.items():
            setattr(scene.render, setting, value)
        scene.render.image_settings.file_format = "PNG"
        scene.render.image_settings.color_mode = "RGBA"
        scene.render.filepath = str(tmp_path / name)
        assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
        return read_image(tmp_path / name)

    return go


@pytest.fixture
def render_pass(tmp_path):
    """Renders the current frame and returns one number per pixel of a pass, float32 (H, W), top row first.

    Goes the compositor's way, through an EXR file of its own; None where Blender wrote none.
    """

    def go(layer: str, name: str, source: bpy.types.Scene | None = None) -> np.ndarray | None:
        scene = bpy.context.scene
        new = bpy.app.version >= (5, 0)
        if new:
            tree = scene.compositing_node_group = bpy.data.node_groups.new("pass", "CompositorNodeTree")
        else:
            scene.use_nodes = True
            tree = scene.node_tree
            tree.nodes.clear()
        layers = tree.nodes.new("CompositorNodeRLayers")
        layers.scene = source or scene
        layers.layer = layer
        output = tree.nodes.new("CompositorNodeOutputFile")
        if new:
            output.directory, output.file_name = str(tmp_path), f"{layer}-{name}"
            output.format.media_type = "IMAGE"
            target = output.inputs[output.file_output_items.new("FLOAT", name).name]
        else:
            output.base_path, output.file_slots[0].path = str(tmp_path), f"{layer}-{name}"
            target = output.inputs[0]
        output.format.file_format = "OPEN_EXR"
        output.format.color_depth = "32"
        tree.links.new(layers.outputs[name], target)
        assert bpy.ops.render.render() == {"FINISHED"}
        files = list(tmp_path.glob(f"{layer}-{name}*.exr"))
        return read_image(files[0])[..., 0] if files else None

    return go


def read_image(path: Path) -> np.ndarray:
    """The numbers in a file, without any colour conversion, float32 (H, W, channels), top row first."""
    image = bpy.data.images.load(str(path), check_existing=False)
    image.colorspace_settings.name = "Non-Color"
    image.alpha_mode = "CHANNEL_PACKED"
    width, height = image.size
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(height, width, -1)[::-1]


@pytest.fixture(scope="session")
def spots() -> Callable[..., np.ndarray]:
    return find_spots


@pytest.fixture(scope="session")
def lamps() -> np.ndarray:
    """Where the lamps of `lamps_file` stand, (3, 3), head space."""
    return np.array(LAMPS)


@pytest.fixture(scope="session")
def project() -> Callable[..., np.ndarray]:
    return blender_pixels


@pytest.fixture(scope="session")
def read() -> Callable[[Path], np.ndarray]:
    return read_image


def blender_pixels(points: np.ndarray, view: bpy.types.Object, width: int, height: int, aspect=(1, 1)) -> np.ndarray:
    """World points (N, 3) by Blender's own matrices: (N, 2), pixels from the top left corner."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    projection = view.calc_matrix_camera(depsgraph, x=width, y=height, scale_x=aspect[0], scale_y=aspect[1])
    model = view.evaluated_get(depsgraph).matrix_world.normalized()
    clip = np.array(projection) @ np.linalg.inv(np.array(model)) @ np.c_[points, np.ones(len(points))].T
    device = clip[:2] / clip[3]
    return np.stack([(device[0] + 1) / 2 * width, (1 - device[1]) / 2 * height], axis=-1)


def find_spots(picture: np.ndarray, threshold: float = 0.05) -> np.ndarray:
    """Centres (N, 2) of the blobs in the alpha channel, pixels from the top left corner, from left to right."""
    left = picture[..., 3].astype(np.float64) * (picture[..., 3] > threshold)
    found = []
    while left.max() > 0:
        blob = {tuple(np.unravel_index(left.argmax(), left.shape))}
        edge = list(blob)
        while edge:
            y, x = edge.pop()
            for near in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                inside = 0 <= near[0] < left.shape[0] and 0 <= near[1] < left.shape[1]
                if inside and near not in blob and left[near] > 0:
                    blob.add(near)
                    edge.append(near)
        rows, columns = np.array(sorted(blob)).T
        weights = left[rows, columns]
        found.append((np.average(columns + 0.5, weights=weights), np.average(rows + 0.5, weights=weights)))
        left[rows, columns] = 0
    return np.array(sorted(found)).reshape(-1, 2)
