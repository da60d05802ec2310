"""Whether one can see through a material."""

from __future__ import annotations

from typing import Any

import bpy

_CLEAR = (
    "ShaderNodeBsdfTransparent",
    "ShaderNodeBsdfGlass",
    "ShaderNodeBsdfRefraction",
    "ShaderNodeBsdfRayPortal",
    "ShaderNodeBsdfHair",
    "ShaderNodeBsdfHairPrincipled",
)
_PRINCIPLED = "ShaderNodeBsdfPrincipled"


def is_opaque(material: bpy.types.Material | None) -> bool:
    """Whether nothing behind the material can be seen, by the shader nodes that its surface is made of.

    A texture in Alpha or Transmission counts as see-through, whatever it holds: it is not looked at.
    """
    if material is None or material.node_tree is None:
        return True
    if bpy.app.version < (5, 0) and not material.use_nodes:
        return True
    output = material.node_tree.get_output_node("ALL")
    return output is None or _all_opaque(output.inputs["Surface"])


def _all_opaque(surface: Any) -> bool:
    """Whether no see-through shader feeds a socket; groups are looked into."""
    if not surface.links:
        return False  # a volume alone, or nothing at all
    seen: set[Any] = set()
    waiting = [link.from_node for link in surface.links]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.bl_idname in _CLEAR:
            return False
        if node.bl_idname == _PRINCIPLED and not _solid(node):
            return False
        if node.bl_idname == "ShaderNodeGroup" and node.node_tree is not None:
            waiting += [inner for inner in node.node_tree.nodes if inner.bl_idname != "NodeGroupInput"]
        waiting += [link.from_node for socket in node.inputs if socket.type == "SHADER" for link in socket.links]
    return True


def _solid(node: Any) -> bool:
    alpha, through = node.inputs["Alpha"], node.inputs["Transmission Weight"]
    return not (alpha.links or through.links) and alpha.default_value >= 1 and through.default_value <= 0
