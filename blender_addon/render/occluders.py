"""What hides heads: the triangles of meshes that the camera sees, where they may be before a head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire.moments import ShotCamera

from ..head import model
from ..properties import original_of
from . import see_through

SURFACES = ("MESH", "CURVE", "SURFACE", "META", "FONT")
"""Types of objects that other engines render as triangles."""

OTHERS = ("CURVES", "POINTCLOUD", "VOLUME")
"""Types of objects that they render otherwise."""

MAX_TRIANGLES = 4_000_000
"""That may be before a head: more fit neither into a message nor into patience."""

_ROUND_A_HEAD = 1.0
"""How far Gaussians may lie off a head's mesh, in sizes of it to every side."""


@dataclass(frozen=True)
class Occluders:
    """What hides heads.

    Attributes:
        triangles: float32 (T, 3, 3), metres, in the world.
        solids: likewise of the heads' own meshes; none where nothing hides heads.
        drawn: names of the objects that they are of.
        passed_over: names of objects that may stand before a head and do not hide it.
    """

    triangles: np.ndarray
    solids: np.ndarray
    drawn: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()


def occluders(depsgraph: bpy.types.Depsgraph, view: ShotCamera, before: np.ndarray | None) -> Occluders:
    """The triangles that may hide heads.

    Args:
        depsgraph: of the render.
        view: what sees them.
        before: an affine map (4, 4) of the world that comes before `view`; None for none.

    Raises:
        DGTalkerError: there are too many of them.
    """
    camera = _Frustum(view, before)
    boxes: list[_Seen] = []
    solids: list[np.ndarray] = []
    for instance in _shown(depsgraph):
        if model.is_head(instance.object):
            matrix = _matrix(instance)
            boxes.append(camera.seen(_box(instance.object, matrix)))
            solids.append(_placed(_mesh_triangles(instance.object)[0], matrix))
    found: list[np.ndarray] = []
    drawn: set[str] = set()
    passed_over: set[str] = set()
    meshes: dict[tuple[int, str], tuple[np.ndarray, bool]] = {}
    for instance in _shown(depsgraph):
        ob = instance.object
        if model.is_head(ob) or ob.type not in SURFACES + OTHERS or not _seen_by_camera(instance, depsgraph):
            continue
        matrix, name = _matrix(instance), original_of(ob).name
        box = camera.seen(_box(ob, matrix, 0))
        if not any(box.may_hide(head) for head in boxes):
            continue
        if ob.type in OTHERS:
            passed_over.add(name)
            continue
        key = (ob.data.as_pointer() if ob.data is not None else 0, original_of(ob).name_full)
        if key not in meshes:
            meshes[key] = _opaque_triangles(ob)
        corners, whole = meshes[key]
        if not whole:
            passed_over.add(name)
        placed = _placed(corners, matrix)
        kept = placed[camera.may_hide(placed, boxes)]
        if len(kept):
            found.append(kept)
            drawn.add(name)
    triangles = _joined(found)
    if len(triangles) > MAX_TRIANGLES:
        raise DGTalkerError(
            f"{len(triangles):,} triangles stand before the heads, of {', '.join(sorted(drawn))}: too many.",
            f"Leave at most {MAX_TRIANGLES:,}: hide some in renders, or subdivide them less.",
        )
    return Occluders(triangles, _joined(solids if found else []), tuple(sorted(drawn)), tuple(sorted(passed_over)))


def _joined(triangles: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(triangles) if triangles else np.empty((0, 3, 3), np.float32)


def _placed(triangles: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    moved = triangles.reshape(-1, 3) @ matrix[:3, :3].T.astype(np.float32) + matrix[:3, 3].astype(np.float32)
    return moved.reshape(-1, 3, 3)


def _shown(depsgraph: bpy.types.Depsgraph) -> Any:
    for instance in depsgraph.object_instances:
        if instance.object is not None and (instance.is_instance or instance.show_self):
            yield instance


def _seen_by_camera(instance: bpy.types.DepsgraphObjectInstance, depsgraph: bpy.types.Depsgraph) -> bool:
    ob: Any = instance.object
    placed: Any = (instance.parent if instance.is_instance else instance.object).original
    return (
        ob.visible_camera and not ob.is_shadow_catcher and not placed.indirect_only_get(view_layer=depsgraph.view_layer)
    )


def _matrix(instance: bpy.types.DepsgraphObjectInstance) -> np.ndarray:
    return np.array(instance.matrix_world, np.float64)


def _box(ob: bpy.types.Object, matrix: np.ndarray, more: float = _ROUND_A_HEAD) -> np.ndarray:
    """The corners (8, 3) of an object's box in the world, larger by `more` of its size to every side."""
    corners = np.array([corner[:] for corner in ob.bound_box], np.float64)
    middle = corners.mean(0)
    corners = middle + (corners - middle) * (1 + 2 * more)
    return corners @ matrix[:3, :3].T + matrix[:3, 3]


@dataclass(frozen=True)
class _Seen:
    """Where in the picture something is, pixels, and how deep, metres; everywhere where it reaches behind the
    camera."""

    left: float
    right: float
    top: float
    bottom: float
    nearest: float
    farthest: float

    def may_hide(self, head: _Seen) -> bool:
        return (
            self.left < head.right
            and self.right > head.left
            and self.top < head.bottom
            and self.bottom > head.top
            and self.nearest < head.farthest
            and self.farthest > 0
        )


class _Frustum:
    """Where points are in the picture of a camera."""

    def __init__(self, view: ShotCamera, before: np.ndarray | None) -> None:
        matrix = np.reshape(view.world_to_camera, (4, 4))
        self._matrix = matrix if before is None else matrix @ before
        self._K = np.reshape(view.K, (3, 3))
        self._orthographic = view.orthographic
        self._near = max(view.near, 1e-6)

    def seen(self, points: np.ndarray) -> _Seen:
        low_x, high_x, low_y, high_y, low_z, high_z = (float(each[0]) for each in self._extents(points[None]))
        return _Seen(low_x, high_x, low_y, high_y, low_z, high_z)

    def may_hide(self, triangles: np.ndarray, heads: Sequence[_Seen]) -> np.ndarray:
        """Which triangles (T, 3, 3) may hide one of the heads: bool (T,)."""
        left, right, top, bottom, nearest, farthest = self._extents(triangles)
        kept = np.zeros(len(triangles), bool)
        for head in heads:
            beside = (left > head.right) | (right < head.left) | (top > head.bottom) | (bottom < head.top)
            kept |= ~beside & (nearest < head.farthest) & (farthest > 0)
        return kept

    def _extents(self, groups: np.ndarray) -> tuple[np.ndarray, ...]:
        """Of groups (G, P, 3) of points, each (G,): least and most x, y (pixels) and depth (metres)."""
        points = groups @ self._matrix[:3, :3].T + self._matrix[:3, 3]
        z = points[..., 2]
        behind = (z < self._near).any(1)
        scale = 1.0 if self._orthographic else 1 / np.maximum(z, self._near)
        x = self._K[0, 0] * points[..., 0] * scale + self._K[0, 2]
        y = self._K[1, 1] * points[..., 1] * scale + self._K[1, 2]
        sides = [
            np.where(behind, side, end)
            for side, end in (
                (-np.inf, x.min(1)),
                (np.inf, x.max(1)),
                (-np.inf, y.min(1)),
                (np.inf, y.max(1)),
            )
        ]
        return (*sides, z.min(1), z.max(1))


def _opaque_triangles(ob: bpy.types.Object) -> tuple[np.ndarray, bool]:
    """The opaque triangles (T, 3, 3) of an evaluated object in its own space, and whether those are all of it."""
    corners, slots = _mesh_triangles(ob)
    opaque = np.array([see_through.is_opaque(slot.material) for slot in ob.material_slots] or [True])
    kept = opaque[np.minimum(slots, len(opaque) - 1)]
    return corners[kept], bool(kept.all())


def _mesh_triangles(ob: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """The triangles (T, 3, 3) of an evaluated object in its own space, and their material slots (T,)."""
    own = ob.type != "MESH"
    mesh = ob.to_mesh() if own else cast("bpy.types.Mesh", ob.data)
    if mesh is None:
        return _joined([]), np.empty(0, np.int32)
    try:
        points = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", points)
        corners = np.empty(3 * len(mesh.loop_triangles), np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
        slots = np.empty(len(mesh.loop_triangles), np.int32)
        mesh.loop_triangles.foreach_get("material_index", slots)
    finally:
        if own:
            ob.to_mesh_clear()
    return points.reshape(-1, 3)[corners.reshape(-1, 3)], slots
