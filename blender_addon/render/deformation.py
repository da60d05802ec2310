"""What was done to a head's mesh after it was added, as far as Gaussians can follow it: its affine part.

Applied scale and rotation, a moved origin and a mesh that was moved in Edit Mode change the Basis; modifiers, lattices
and shape keys of the animator's own change what is evaluated.
"""

from __future__ import annotations

from collections.abc import Collection

import bpy
import numpy as np

from ..bridge.avatars import Proxy
from ..head import correctives, model

_SAME = 1e-5
"""Metres under which vertices lie where they did."""
_FOLLOWED = 0.02
"""Of the head's size: what is left of a deformation when its affine part is followed, and nobody sees."""


def followed(ob: bpy.types.Object, depsgraph: bpy.types.Depsgraph, proxy: Proxy) -> tuple[np.ndarray | None, list[str]]:
    """The affine map (4, 4) from head space to where the mesh is now, in the object's space, and warnings.

    None where the mesh lies as it was made.

    Args:
        ob: the head, original.
        depsgraph: of the render.
        proxy: of its avatar.
    """
    key = model.key_of(ob)
    if key is None or len(key.reference_key.points) != len(proxy.vertices):
        return None, [f"{ob.name} no longer has its avatar's mesh: it is rendered as it was made."]
    basis = _points(key.reference_key)
    matrix, left = _affine(proxy.vertices, basis)
    warnings = []
    if left > _FOLLOWED:
        warnings.append(f"Parts of the mesh of {ob.name} were moved: its Gaussians follow it as a whole only.")
    names = correctives.names_of(model.rig_of(ob), proxy.correctives)
    known = {*model.rig_of(ob).names, *(correctives.key_name(each, i) for i, each in enumerate(names))}
    acting = _acting(ob, depsgraph, known)
    if acting:
        more, said = _evaluated(ob, depsgraph, basis, known, acting)
        warnings += said
        if more is not None:
            matrix = more if matrix is None else more @ matrix
    return matrix, warnings


def _acting(ob: bpy.types.Object, depsgraph: bpy.types.Depsgraph, known: Collection[str]) -> list[str]:
    """The modifiers and the animator's own shape keys that change the mesh, by name."""
    key = model.key_of(ob)
    assert key is not None
    own = [block for block in key.evaluated_get(depsgraph).key_blocks[1:] if block.name not in known]
    moved = [block.name for block in own if block.value != 0 and not block.mute]
    return [modifier.name for modifier in ob.modifiers if modifier.show_render] + moved


def _evaluated(
    ob: bpy.types.Object, depsgraph: bpy.types.Depsgraph, basis: np.ndarray, known: Collection[str], acting: list[str]
) -> tuple[np.ndarray | None, list[str]]:
    """The affine map from the mesh as the avatar's sliders leave it to the mesh as it is evaluated, and warnings."""
    listed = ", ".join(acting)
    key = model.key_of(ob)
    assert key is not None
    evaluated = model.mesh_of(ob.evaluated_get(depsgraph))
    now = np.empty(3 * len(evaluated.vertices), np.float32)
    evaluated.vertices.foreach_get("co", now)
    if len(now) != basis.size:
        return None, [f"The Gaussians of {ob.name} do not follow {listed}: other vertices come out of it."]
    expected = basis.astype(np.float64)
    for block in key.evaluated_get(depsgraph).key_blocks[1:]:
        if block.name in known and block.value != 0 and not block.mute:
            expected += block.value * (_points(block) - basis)
    matrix, left = _affine(expected, now.reshape(-1, 3))
    if left > _FOLLOWED:
        return matrix, [f"The Gaussians of {ob.name} follow {listed} as a whole only: F12 and the viewport differ."]
    return matrix, []


def _points(block: bpy.types.ShapeKey) -> np.ndarray:
    points = np.empty(3 * len(block.points), np.float32)
    block.points.foreach_get("co", points)
    return points.reshape(-1, 3)


def _affine(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray | None, float]:
    """The affine map (4, 4) that fits best, None where nothing moved, and how far the worst vertex in a hundred lies
    off it, by the size of the whole."""
    if np.abs(after - before).max(initial=0) < _SAME:
        return None, 0.0
    size = max(float(np.ptp(after, axis=0).max()), _SAME)
    rows = np.column_stack([before, np.ones(len(before))]).astype(np.float64)
    if np.linalg.matrix_rank(rows) < 4:  # a flat mesh says nothing of what lies beside it
        return None, float(np.abs(after - before).max()) / size
    solution = np.linalg.lstsq(rows, after.astype(np.float64), rcond=None)[0]
    off = np.linalg.norm(rows @ solution - after, axis=1)
    matrix = np.eye(4)
    matrix[:3] = solution.T
    return matrix, float(np.percentile(off, 99)) / size
