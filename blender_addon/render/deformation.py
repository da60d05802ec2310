"""What was done to a head's mesh besides moving its sliders, and how its Gaussians follow.

Applied scale and rotation, a moved origin, a mesh that was moved or sculpted in Edit Mode, modifiers, lattices,
armatures and shape keys of the animator's own: all of them show in where the evaluated vertices are. What is an affine
map is one; where it is more, the engine is told the vertices, and carries the Gaussians with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from dgtalker_engine.rig import Rig

from ..bridge.avatars import Proxy
from ..head import correctives, model

_SAME = 1e-5
"""Metres under which vertices lie where they did."""
_FOLLOWED = 1e-4
"""Metres of a head of 1 m by which vertices may lie off an affine map that is followed instead of them."""
_SMOOTHING = ("SUBSURF", "MULTIRES", "TRIANGULATE")
"""Modifiers that make more of the same surface: Gaussians lie on it as they are."""


@dataclass(frozen=True)
class Deformation:
    """What Gaussians follow.

    Attributes:
        matrix: the affine map (4, 4) from head space to the object's space; None where the mesh lies as it was made.
        vertices: float32 (V, 3) in the object's space, where they lie off any affine map; None otherwise.
        warnings: sentences about what cannot be followed.
    """

    matrix: np.ndarray | None = None
    vertices: np.ndarray | None = None
    warnings: tuple[str, ...] = ()


def followed(ob: bpy.types.Object, depsgraph: bpy.types.Depsgraph, proxy: Proxy) -> Deformation:
    """What was done to the mesh of a head, as it is evaluated.

    Args:
        ob: the head, original.
        depsgraph: of the render.
        proxy: of its avatar.
    """
    key = model.key_of(ob)
    if key is None or len(key.reference_key.points) != len(proxy.vertices):
        return Deformation(warnings=(f"{ob.name} no longer has its avatar's mesh: it is rendered as it was made.",))
    before = _as_sliders_have_it(key, depsgraph, model.rig_of(ob), proxy)
    evaluated = model.mesh_of(ob.evaluated_get(depsgraph))
    if _size(evaluated) == _size(model.mesh_of(ob)):
        now = np.empty(3 * len(evaluated.vertices), np.float32)
        evaluated.vertices.foreach_get("co", now)
        return _fitted(before, now.reshape(-1, 3))
    acting = [modifier for modifier in ob.modifiers if modifier.show_render]
    fitted = _fitted(before, _as_all_keys_have_it(key, depsgraph))
    if all(modifier.type in _SMOOTHING for modifier in acting):
        return fitted
    listed = ", ".join(modifier.name for modifier in acting)
    warning = f"The Gaussians of {ob.name} do not follow {listed}: other vertices come out of it."
    return replace(fitted, warnings=(warning,))


def _as_sliders_have_it(key: bpy.types.Key, depsgraph: bpy.types.Depsgraph, rig: Rig, proxy: Proxy) -> np.ndarray:
    """The vertices (V, 3) in head space as the avatar's sliders and correctives, and nothing else, leave them."""
    names = [correctives.key_name(each, i) for i, each in enumerate(correctives.names_of(rig, proxy.correctives))]
    evaluated: Any = key.evaluated_get(depsgraph)
    mending = {block.name: block.value for block in evaluated.key_blocks[1:] if not block.mute}
    weights = model.weights_of(evaluated, rig)
    values = np.array([*(weights.get(name, 0.0) for name in rig.names), *(mending.get(name, 0.0) for name in names)])
    moving = np.flatnonzero(values)
    return proxy.vertices + np.tensordot(values[moving].astype(np.float32), proxy.deltas[moving], 1)


def _as_all_keys_have_it(key: bpy.types.Key, depsgraph: bpy.types.Depsgraph) -> np.ndarray:
    """The vertices (V, 3) before any modifier."""
    points = _points(key.reference_key)
    for block in key.evaluated_get(depsgraph).key_blocks[1:]:
        if block.value != 0 and not block.mute:
            points = points + block.value * (_points(block) - _points(block.relative_key))
    return points


def _fitted(before: np.ndarray, after: np.ndarray) -> Deformation:
    """What takes the vertices from where they were to where they are, both (V, 3)."""
    if np.abs(after - before).max(initial=0) < _SAME:
        return Deformation()
    rows = np.column_stack([before, np.ones(len(before))]).astype(np.float64)
    if np.linalg.matrix_rank(rows) < 4:  # a flat mesh says nothing of what lies beside it
        return Deformation(vertices=after)
    solution = np.linalg.lstsq(rows, after.astype(np.float64), rcond=None)[0]
    matrix = np.eye(4)
    matrix[:3] = solution.T
    size = max(float(np.ptp(after, axis=0).max()), _SAME)
    off = float(np.linalg.norm(rows @ solution - after, axis=1).max())
    return Deformation(matrix, after if off > _FOLLOWED * size else None)


def _size(mesh: bpy.types.Mesh) -> tuple[int, int, int]:
    return len(mesh.vertices), len(mesh.loops), len(mesh.polygons)


def _points(block: bpy.types.ShapeKey) -> np.ndarray:
    points = np.empty(3 * len(block.points), np.float32)
    block.points.foreach_get("co", points)
    return points.reshape(-1, 3)
