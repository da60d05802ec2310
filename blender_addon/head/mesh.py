"""The mesh of a head: geometry, shape keys, colours and material from an avatar's proxy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rig import Control, Rig

COLOURS = "Color"
BASIS = "Basis"
ROUGHNESS = 0.8


def build_mesh(name: str, proxy: Mapping[str, np.ndarray]) -> bpy.types.Mesh:
    """A smooth mesh with UVs, the colour attribute that Solid mode shows, and a material that shows it elsewhere.

    Args:
        name: of the mesh and its material.
        proxy: arrays of `open_avatar`: vertices (V,3), faces (F,4), uv (V,2), colours (V,4) scene-linear.
    """
    faces = proxy["faces"]
    present = faces >= 0
    sizes = present.sum(axis=1)
    corners = faces[present]
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(proxy["vertices"]))
    mesh.vertices.foreach_set("co", _flat(proxy["vertices"]))
    mesh.loops.add(len(corners))
    mesh.loops.foreach_set("vertex_index", corners.astype(np.int32))
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(sizes) - sizes).astype(np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    mesh.uv_layers.new(name="UVMap", do_init=False).uv.foreach_set("vector", _flat(proxy["uv"][corners]))
    colours = mesh.color_attributes.new(COLOURS, "FLOAT_COLOR", "POINT")
    colours.data.foreach_set("color", _flat(proxy["colours"]))  # type: ignore[attr-defined]
    mesh.color_attributes.active_color_name = COLOURS
    mesh.color_attributes.render_color_index = 0
    mesh.materials.append(_material(name, np.percentile(proxy["colours"], 75, axis=0)))
    return mesh


def _material(name: str, skin: np.ndarray) -> bpy.types.Material:
    """Vertex colours in Material Preview; `skin` in Solid mode, which shows the material's own colour by default."""
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    material.diffuse_color = (*skin[:3].tolist(), 1.0)  # type: ignore[assignment]
    material.roughness = ROUGHNESS
    tree = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = ROUGHNESS  # type: ignore[attr-defined]
    colour = tree.nodes.new("ShaderNodeVertexColor")
    colour.layer_name = COLOURS  # type: ignore[attr-defined]
    colour.location = (shader.location.x - 220.0, shader.location.y)
    tree.links.new(colour.outputs["Color"], shader.inputs["Base Color"])
    return material


def add_shape_keys(ob: bpy.types.Object, rig: Rig, deltas: np.ndarray, names: Iterable[str]) -> None:
    """Add the shape keys of the controls `names`, at rest, relative to the mesh as it is.

    Args:
        ob: the head; its other shape keys and their animation stay as they are.
        rig: the avatar's controls.
        deltas: float32 (controls, V, 3), in the rig's order.
        names: controls that have no shape key yet.

    Raises:
        DGTalkerError: the mesh no longer has the avatar's vertices.
    """
    mesh: bpy.types.Mesh = ob.data  # type: ignore[assignment]
    if len(mesh.vertices) != deltas.shape[1]:
        raise DGTalkerError(
            f"The mesh of {ob.name} has {len(mesh.vertices)} vertices, its avatar has {deltas.shape[1]}.",
            "Undo the change of the mesh, or add the head again.",
        )
    if mesh.shape_keys is None:
        ob.shape_key_add(name=BASIS, from_mix=False).id_data.name = mesh.name
    basis = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.shape_keys.reference_key.points.foreach_get("co", basis)
    wanted = set(names)
    for i, control in enumerate(rig.controls):
        if control.name in wanted:
            block = ob.shape_key_add(name=control.name, from_mix=False)
            block.points.foreach_set("co", basis + deltas[i].ravel())
            _set_range(block, control)


def _set_range(block: bpy.types.ShapeKey, control: Control) -> None:
    # each end is clamped by the other one, so the lower end makes room first; a new key block stands at 1 in 5.2
    block.slider_min = -10.0
    block.slider_max = control.maximum
    block.slider_min = control.minimum
    block.value = control.default


def _flat(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32).ravel()
