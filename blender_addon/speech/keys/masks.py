"""Shape keys that a vertex group keeps from moving anything."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

LOOKED_AT = 48
"""Vertices of those that a shape key moves at least half as far as any: whoever masks a part leaves some of them."""

_MOST = 1000

_vertices: dict[tuple[int, str, int], list[int]] = {}
"""Those that are looked at, by the Key's session_uid, the block and the number of vertices."""


def hides(head: bpy.types.Object, block: bpy.types.ShapeKey) -> bool:
    """Whether the vertex group of a shape key has no weight where that would move the mesh; cheap."""
    group = head.vertex_groups.get(block.vertex_group) if block.vertex_group else None
    if group is None:  # Blender masks nothing by a group that is not there
        return False
    mesh: Any = head.data
    moved = [mesh.vertices[vertex] for vertex in _moved(block)]
    return bool(moved) and not any(
        each.group == group.index and each.weight > 0.0 for vertex in moved for each in vertex.groups
    )


def _moved(block: bpy.types.ShapeKey) -> list[int]:
    key: Any = block.id_data
    source = (key.session_uid, block.name, len(block.points))
    if source not in _vertices:
        if len(_vertices) >= _MOST:
            _vertices.clear()
        far = np.linalg.norm(_coordinates(block) - _coordinates(block.relative_key), axis=1)
        some = np.flatnonzero(far >= 0.5 * far.max()) if far.any() else np.empty(0, int)
        _vertices[source] = some[np.linspace(0, len(some) - 1, min(len(some), LOOKED_AT)).astype(int)].tolist()
    return _vertices[source]


def _coordinates(block: bpy.types.ShapeKey) -> np.ndarray:
    values = np.empty(3 * len(block.points), np.float32)
    block.points.foreach_get("co", values)
    return values.reshape(-1, 3)
