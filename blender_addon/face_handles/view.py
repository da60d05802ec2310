"""Handles as a 3D view shows them: where they are in it, which are seen, and which one is at the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent

from ..head import model
from . import faces
from .handles import Handle

SMALLEST = 110.0
"""Pixels across all handles, below which they are not shown: they would lie on each other."""
_PICKED = 11.0
"""Pixels around a handle."""
_ASIDE = 0.12
"""The least cosine between where the face looks at a handle, and where one looks from, for the handle to be seen."""

_changes = 0
_last_posed: tuple[tuple[Any, ...], _Posed] | None = None
_seen: dict[int, tuple[tuple[Any, ...], Seen]] = {}


@dataclass(frozen=True)
class _Posed:
    """Handles in the world: where they are (None: nowhere), and how the face looks there."""

    handles: tuple[Handle, ...]
    points: np.ndarray | None
    outward: np.ndarray


@dataclass(frozen=True)
class Seen:
    """The handles that a view shows.

    Attributes:
        handles: the foremost last.
        pixels: (H, 2) in the region.
        extent: pixels across all handles of the head.
        scale: of Blender's interface.
    """

    handles: tuple[Handle, ...]
    pixels: np.ndarray
    extent: float
    scale: float

    def at(self, place: Sequence[float]) -> Handle | None:
        """The handle at a place of the region, the nearest of several."""
        if not self.handles:
            return None
        distances = np.linalg.norm(self.pixels - np.array(place), axis=1)
        nearest = int(distances.argmin())
        return self.handles[nearest] if distances[nearest] <= _PICKED * self.scale else None


def form(context: bpy.types.Context) -> Any:
    manager: Any = context.window_manager
    return manager.dgtalker_face_handles


def is_shown(context: bpy.types.Context) -> bool:
    """Whether handles belong into this view now; Blender shows no gizmos while it plays either."""
    return (
        form(context).on
        and context.mode == "OBJECT"
        and not context.screen.is_animation_playing
        and model.has_controls(context.object)
        and context.object.visible_get()
    )


def seen(context: bpy.types.Context) -> Seen:
    """The handles of the active head in the view that is drawn; worked out again when it or the pose has changed.

    Raises:
        DGTalkerError: as `faces.face_of`.
    """
    ob = context.object
    assert ob is not None
    region, view = context.region, _view_of(context)
    scale = context.preferences.system.ui_scale
    known = (_changes, ob.session_uid, context.scene.session_uid, context.view_layer.name)
    looks = (*known, region.width, region.height, scale, *(x for row in view.perspective_matrix for x in row))
    pointer = region.as_pointer()
    if pointer not in _seen or _seen[pointer][0] != looks:
        _seen[pointer] = looks, _looked_at(_posed(context, ob, known), view, (region.width, region.height), scale)
    return _seen[pointer][1]


def _view_of(context: bpy.types.Context) -> bpy.types.RegionView3D:
    view: Any = context.region_data
    return view


def _posed(context: bpy.types.Context, ob: bpy.types.Object, known: tuple[Any, ...]) -> _Posed:
    global _last_posed
    if _last_posed is None or _last_posed[0] != known:
        face = faces.face_of(ob)
        points = faces.points(ob, face, context.view_layer.depsgraph)
        _last_posed = known, _Posed(face.handles, points, face.outward @ np.array(ob.matrix_world)[:3, :3].T)
    return _last_posed[1]


def _looked_at(posed: _Posed, view: bpy.types.RegionView3D, size: tuple[int, int], scale: float) -> Seen:
    points = posed.points
    if points is None:
        return Seen((), np.zeros((0, 2)), 0.0, scale)
    clip = np.c_[points, np.ones(len(points))] @ np.array(view.perspective_matrix).T
    before = clip[:, 3] > 1e-6
    pixels = (clip[:, :2] / np.where(before, clip[:, 3], 1.0)[:, None] + 1) / 2 * size
    from_view = np.array(view.view_matrix.inverted())
    towards = from_view[:3, 3] - points if view.is_perspective else np.broadcast_to(from_view[:3, 2], points.shape)
    lengths = np.linalg.norm(towards, axis=1) * np.linalg.norm(posed.outward, axis=1)
    shown = before & ((towards * posed.outward).sum(axis=1) > _ASIDE * lengths)
    extent = float(np.linalg.norm(np.ptp(pixels, axis=0))) if before.all() else 0.0
    if extent < SMALLEST * scale:
        shown[:] = False
    order = [number for number in np.argsort(-clip[:, 2]) if shown[number]]
    return Seen(tuple(posed.handles[number] for number in order), pixels[order], extent, scale)


def redraw() -> None:
    for area in (area for window in bpy.context.window_manager.windows for area in window.screen.areas):
        if area.type == "VIEW_3D":
            area.tag_redraw()


@persistent
def evaluated(_scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Handler for when Blender has evaluated a change or another frame."""
    global _changes
    if depsgraph.mode == "VIEWPORT":
        _changes += 1


@persistent
def replaced(*_: object) -> None:
    """Handler for undo, redo and other files, which replace objects."""
    global _changes, _last_posed
    _changes += 1
    _last_posed = None
    _seen.clear()
    faces.forget()
