"""The colour behind the heads, and Blender's working colour space (linear Rec.709 unless the .blend says otherwise)."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Color


def world_colour(depsgraph: bpy.types.Depsgraph) -> tuple[tuple[float, float, float], str]:
    """The world's colour in linear Rec.709, and a warning where the world is more than one colour."""
    world = depsgraph.view_layer_eval.world_override or depsgraph.scene_eval.world
    if world is None:
        return (0.0, 0.0, 0.0), ""
    warning = ""
    if bpy.app.version < (5, 0) and not world.use_nodes:
        colour = Color(world.color[:])
    else:
        colour = plain_colour(world.node_tree and world.node_tree.get_output_node("EEVEE"), "ShaderNodeBackground")
        if colour is None:
            colour = Color(world.color[:])
            warning = (
                f"The world {world.name} is not one plain colour: its viewport display colour stands behind the heads."
            )
    rgb = colour.from_scene_linear_to_rec709_linear()
    return (rgb.r, rgb.g, rgb.b), warning


def plain_colour(output: Any, shader: str) -> Color | None:
    """Colour × strength of the one shader node of a kind that an output node's surface is; black without an output, or
    without any node; None for textures."""
    links = output.inputs["Surface"].links if output else ()
    if not links:
        return Color((0.0, 0.0, 0.0))
    node: Any = links[0].from_node
    if node.bl_idname != shader or node.inputs["Color"].links or node.inputs["Strength"].links:
        return None
    rgb = node.inputs["Color"].default_value[:3]
    return Color(rgb) * node.inputs["Strength"].default_value


def to_scene_linear(rgba: np.ndarray) -> np.ndarray:
    """Premultiplied linear Rec.709 (..., 4) in the working colour space of the .blend."""
    rows = [Color(axis.tolist()).from_rec709_linear_to_scene_linear()[:] for axis in np.eye(3)]
    matrix = np.array(rows, np.float32)
    # Blender goes through XYZ and back, so that its identity is only nearly one.
    if np.allclose(matrix, np.eye(3), atol=1e-4):
        return rgba
    return np.concatenate([rgba[..., :3] @ matrix, rgba[..., 3:]], axis=-1)


def encoded(linear: np.ndarray) -> np.ndarray:
    """Linear → sRGB (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def decoded(srgb: np.ndarray) -> np.ndarray:
    """sRGB → linear (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0) + 0.055) / 1.055) ** 2.4)
