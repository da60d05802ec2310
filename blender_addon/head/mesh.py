"""The mesh of a head: geometry, shape keys, colours and material from an avatar's proxy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rig import Control, Rig, Surface

from . import model

COLOURS = "Color"
BASIS = "Basis"
SKIN = {"Roughness": 0.5, "Subsurface Weight": 0.2, "Subsurface Scale": 0.006}  # metres
WET = {"Roughness": 0.08, "Coat Weight": 1.0, "Coat Roughness": 0.02}
CLOTH = {"Roughness": 0.9, "Sheen Weight": 0.2}
LOOKS: dict[Surface, dict[str, float]] = {
    Surface.SKIN: SKIN,
    Surface.LIPS: SKIN | {"Roughness": 0.3},
    Surface.HAIR: {"Roughness": 0.55},
    Surface.EYE_WHITE: WET,
    Surface.IRIS: WET,
    Surface.PUPIL: WET,
    Surface.TEETH: {"Roughness": 0.2},
    Surface.MOUTH: {"Roughness": 0.25},
    Surface.CLOTH: CLOTH,
    Surface.TRIM: CLOTH,
}
"""Sockets of the Principled BSDF that differ from surface to surface."""


def build_mesh(name: str, proxy: Mapping[str, np.ndarray]) -> bpy.types.Mesh:
    """A smooth mesh with UVs, a colour attribute, and a material for each surface that shows it.

    Args:
        name: of the mesh, and the beginning of its materials' names.
        proxy: arrays of `open_avatar`: vertices (V,3), faces (F,4) and their surfaces (F,), uv (V,2), colours (V,4)
            scene-linear.
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
    colours: Any = mesh.color_attributes.new(COLOURS, "FLOAT_COLOR", "POINT")
    colours.data.foreach_set("color", _flat(proxy["colours"]))
    mesh.color_attributes.active_color_name = COLOURS
    mesh.color_attributes.render_color_index = 0
    _add_materials(mesh, proxy)
    return mesh


def _material(name: str, look: Mapping[str, float], colour: np.ndarray) -> bpy.types.Material:
    """Vertex colours in Material Preview; `colour` in Solid mode, which shows the material's own by default."""
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    material.diffuse_color = (*colour[:3].tolist(), 1.0)  # type: ignore (Blender takes any sequence)
    material.roughness = look["Roughness"]
    tree = material.node_tree
    shader: Any = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    for socket, value in look.items():
        shader.inputs[socket].default_value = value
    attribute: Any = tree.nodes.new("ShaderNodeVertexColor")
    attribute.layer_name = COLOURS
    attribute.location = (shader.location.x - 220.0, shader.location.y)
    tree.links.new(attribute.outputs["Color"], shader.inputs["Base Color"])
    return material


def _add_materials(mesh: bpy.types.Mesh, proxy: Mapping[str, np.ndarray]) -> None:
    """One material for each surface that the mesh has."""
    known = np.where(np.isin(proxy["surfaces"], tuple(LOOKS)), proxy["surfaces"], int(Surface.SKIN))
    used, index = np.unique(known, return_inverse=True)
    for surface in map(Surface, used):
        faces = proxy["faces"][known == surface]
        colour = proxy["colours"][faces[faces >= 0]].mean(axis=0)
        name = f"{mesh.name} {surface.name.replace('_', ' ').lower()}"
        mesh.materials.append(_material(name, LOOKS[surface], colour))
    mesh.polygons.foreach_set("material_index", index.astype(np.int32))


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
    mesh = model.mesh_of(ob)
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
