"""The world's light: one colour, or an environment texture."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Color

from . import colours
from .harmonics import basis, fitted

_MOST_PIXELS = 1 << 24
"""Of an image whose light is added up: four times as many bytes four times."""
_ROWS = 512
"""Of an image that are looked at, at most."""

_known: dict[tuple[int, str, int, int], np.ndarray] = {}
"""What images shed, as long as Blender runs: adding them up takes a while."""


def radiance(depsgraph: bpy.types.Depsgraph) -> tuple[np.ndarray, str]:
    """The world's radiance as coefficients (9, 3), scene-linear Rec.709, and a warning where it is not followed."""
    layer = depsgraph.view_layer_eval
    world = layer.world_override or depsgraph.scene_eval.world
    texture = None if world is None else _texture(world)
    if texture is not None:
        return texture, ""
    colour, warning = colours.world_colour(depsgraph)
    if warning and world is not None:
        warning = (
            f"The world {world.name} is more than a colour or an environment texture: its viewport display colour "
            "lights the heads."
        )
    uniform = np.zeros((9, 3))
    uniform[0] = np.array(colour) * np.sqrt(4 * np.pi)
    return uniform, warning


def _texture(world: bpy.types.World) -> np.ndarray | None:
    """Of a world that is one equirectangular image, turned perhaps by a Mapping node; None of every other."""
    tree = world.node_tree
    output = tree.get_output_node("EEVEE") if tree else None
    background = _before(output, "Surface", "ShaderNodeBackground")
    node = _before(background, "Color", "ShaderNodeTexEnvironment")
    if node is None or background.inputs["Strength"].links or node.projection != "EQUIRECTANGULAR":
        return None
    image, turn = node.image, _turn(node)
    if image is None or turn is None or image.source not in ("FILE", "GENERATED"):
        return None
    width, height = image.size
    if not 0 < width * height <= _MOST_PIXELS or image.channels < 3:
        return None
    key = image.session_uid, image.filepath, width, height
    if image.is_dirty or key not in _known:
        _known[key] = _added_up(image)
    own = _known[key]
    return background.inputs["Strength"].default_value * fitted(lambda around: basis(around @ turn.T) @ own)


def _before(node: Any, socket: str, kind: str) -> Any:
    """The node of a kind that is linked to a socket, or None."""
    links = node.inputs[socket].links if node is not None else ()
    return links[0].from_node if links and links[0].from_node.bl_idname == kind else None


def _turn(node: Any) -> np.ndarray | None:
    """What turns directions of the world to those of the texture, (3, 3); None where more than a turn does."""
    if not node.inputs["Vector"].links:
        return np.eye(3)
    if _before(node, "Vector", "ShaderNodeTexCoord") is not None:
        return np.eye(3) if node.inputs["Vector"].links[0].from_socket.name == "Generated" else None
    mapping = _before(node, "Vector", "ShaderNodeMapping")
    coordinates = _before(mapping, "Vector", "ShaderNodeTexCoord")
    if coordinates is None or mapping.inputs["Vector"].links[0].from_socket.name != "Generated":
        return None
    place, turn, scale = (mapping.inputs[name] for name in ("Location", "Rotation", "Scale"))
    if mapping.vector_type != "POINT" or place.links or turn.links or scale.links:
        return None
    if any(place.default_value) or tuple(scale.default_value) != (1, 1, 1):
        return None
    return np.array(turn.default_value.to_matrix(), np.float64)


def _added_up(image: Any) -> np.ndarray:
    """Radiance coefficients (9, 3) of an image round the world."""
    width, height = image.size
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    step = -(-height // _ROWS)
    rgb = pixels.reshape(height, width, -1)[::step, ::step, :3].astype(np.float64)
    if not image.is_float:
        rgb = colours.decoded(rgb)
    rows, columns = rgb.shape[:2]
    rise = ((np.arange(rows) + 0.5) / rows - 0.5) * np.pi
    angle = (0.5 - (np.arange(columns) + 0.5) / columns) * 2 * np.pi
    solid = np.cos(rise) * (2 * np.pi / columns) * (np.pi / rows)
    total = np.zeros((9, 3))
    for height_angle, weight, line in zip(rise, solid, np.nan_to_num(rgb), strict=True):
        flat = np.cos(height_angle)
        around = np.stack([flat * np.cos(angle), flat * np.sin(angle), np.full(columns, np.sin(height_angle))], 1)
        total += weight * basis(around).T @ line
    return np.array([Color(row).from_scene_linear_to_rec709_linear()[:] for row in total.tolist()])
