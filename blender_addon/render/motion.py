"""Heads, faces, cameras and what hides heads at other moments: those in which the scene's shutter is open, for motion
blur, and the frames beside, for the pass Vector."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import bpy
import numpy as np

from dgtalker_engine.errors import Cancelled
from dgtalker_engine.wire.moments import ShotCamera, ShotHead, ShotSubframe
from dgtalker_engine.wire.shot import Shot

from ..head import model
from . import camera, occluders, shot
from .scene_pairs import main_of
from .shutter import Shutter

STEP = 1.0
"""Pixels by which what moves fastest moves from one sub-frame to the next."""
MOST = 64
"""Sub-frames."""
_LEAST = 4
_STILL = 0.5
"""Pixels of motion that nobody sees."""
_UNKNOWN = 16.0
"""Pixels by which moves what has other vertices in every moment."""
_LOOK = 0.25
"""Frames between the moments at which motion is measured."""
_MOST_LOOKS = 33
_POINTS = 1500
"""Vertices of a mesh whose motion is measured."""
_MOST_BYTES = 64 << 20
"""Of what hides heads in sub-frames: all of it goes into one message."""
_OPENNESS = 256

At = Callable[[float], tuple[bpy.types.Object, camera.Eye | None]]
"""Evaluates the scene at a time, frames from the frame itself, and says what sees it then."""


def shutter_of(depsgraph: bpy.types.Depsgraph) -> Shutter | None:
    """The scene's shutter; None where a view layer is rendered without motion blur."""
    scene, layer = depsgraph.scene_eval, depsgraph.view_layer
    settings = scene.render
    if not settings.use_motion_blur or layer is None or not layer.use_motion_blur or settings.motion_blur_shutter <= 0:
        return None
    curve = (main_of(depsgraph.scene) or depsgraph.scene).render.motion_blur_shutter_curve
    curve.initialize()
    openness = tuple(curve.evaluate(curve.curves[0], i / (_OPENNESS - 1)) for i in range(_OPENNESS))
    return Shutter(settings.motion_blur_shutter, settings.motion_blur_position, openness)


def with_subframes(
    sharp: Shot,
    depsgraph: bpy.types.Depsgraph,
    shutter: Shutter,
    at: At,
    should_cancel: Callable[[], bool],
    on_progress: Callable[[float], None],
) -> tuple[Shot, list[str]]:
    """A Shot of one frame with as many sub-frames as its heads' motion needs, and warnings for the user.

    Of what does not move there are none. Heads that are not there in some moment stay as the frame has them.

    Args:
        sharp: of the frame itself, to which `depsgraph` is evaluated.
        at: called for other moments; the frame itself has to be evaluated again afterwards.

    Raises:
        DGTalkerError: as `shot.frame_shot`.
    """
    reader = _Reader(sharp, depsgraph, at, should_cancel)
    looks = min(_MOST_LOOKS, 1 + max(2, math.ceil(shutter.duration / _LOOK)))
    travel, hidden = 0.0, bool(sharp.frames[0].occluders)
    for before, after in pairwise(reader.moment(time) for time in shutter.steps(looks)):
        travel += _travel(before, after)
        hidden = hidden or len(before.triangles) > 0 or len(after.triangles) > 0
    if travel < _STILL:
        return sharp, []
    count = min(max(math.ceil(travel / STEP), _LEAST), MOST)
    subframes = []
    for i, time in enumerate(shutter.moments(count)):
        on_progress(i / count)
        subframes.append(reader.subframe(reader.moment(time), hidden))
    warnings = []
    if reader.is_full:
        subframes = [replace(each, occluders=None, solids=None) for each in subframes]
        warnings = ["Too many triangles move before the heads: they hide heads as at the frame's own time."]
    frame = replace(sharp.frames[0], subframes=tuple(subframes))
    return replace(sharp, frames=(frame,)), warnings


def with_neighbours(sharp: Shot, depsgraph: bpy.types.Depsgraph, at: At, should_cancel: Callable[[], bool]) -> Shot:
    """A Shot of one frame with its heads one frame before and one after; those that are not there then are as now.

    Args:
        sharp: of the frame itself, to which `depsgraph` is evaluated.
        at: called for other moments; the frame itself has to be evaluated again afterwards.

    Raises:
        DGTalkerError: as `shot.frame_shot`.
    """
    reader = _Reader(sharp, depsgraph, at, should_cancel)
    neighbours = tuple(reader.placed(reader.heads(time)) for time in (-1.0, 1.0))
    return replace(sharp, frames=(replace(sharp.frames[0], neighbours=neighbours),))


@dataclass(frozen=True)
class _Heads:
    """A frame's heads at one time.

    Attributes:
        view, shear: of `camera.shot_camera`.
        seen: the heads as they are now; None for those that are not there.
    """

    view: ShotCamera
    shear: np.ndarray | None
    seen: list[shot.SeenHead | None]


@dataclass(frozen=True)
class _Moment(_Heads):
    """The scene at one time.

    Attributes:
        triangles, solids: of `Occluders`.
        places: (P, 2), pixels, where the heads' vertices are in the picture.
        before: (P, 2), likewise of what hides them.
    """

    triangles: np.ndarray
    solids: np.ndarray
    places: np.ndarray
    before: np.ndarray


class _Reader:
    """Reads one view of one view layer in several moments; made at the frame itself."""

    def __init__(self, sharp: Shot, depsgraph: bpy.types.Depsgraph, at: At, should_cancel: Callable[[], bool]) -> None:
        self._shot, self._depsgraph, self._at, self._should_cancel = sharp, depsgraph, at, should_cancel
        (self._frame,) = sharp.frames
        self._seen = shot.seen_heads(depsgraph)[0]
        self._shear = self._view(0.0)[1]
        self._room = _MOST_BYTES
        self.is_full = False

    def heads(self, time: float) -> _Heads:
        if self._should_cancel():
            raise Cancelled()
        view, shear = self._view(time)
        there: dict[tuple[bpy.types.Object, bpy.types.Object], list[shot.SeenHead]] = defaultdict(list)
        for head in shot.seen_heads(self._depsgraph)[0]:
            there[head.object, head.placed].append(head)
        now = [there[head.object, head.placed] for head in self._seen]
        return _Heads(view, shear, [heads.pop(0) if heads else None for heads in now])

    def moment(self, time: float) -> _Moment:
        found = self.heads(time)
        # Those that the frame's own camera may see: which they are must not change where nothing else does.
        hiding = occluders.occluders(self._depsgraph, self._frame.camera, self._shear)
        places = [_vertices(head, self._depsgraph) for head in found.seen if head is not None]
        joined = np.concatenate(places) if places else np.empty((0, 3))
        points = (joined, _some(hiding.triangles.reshape(-1, 3)))
        pictured = [self._pixels(each, found.view, found.shear) for each in points]
        return _Moment(found.view, found.shear, found.seen, hiding.triangles, hiding.solids, *pictured)

    def _view(self, time: float) -> tuple[ShotCamera, np.ndarray | None]:
        seen_by, eye = self._at(time)
        settings = self._depsgraph.scene_eval.render
        aspect = (settings.pixel_aspect_x, settings.pixel_aspect_y)
        return camera.shot_camera(seen_by, self._shot.width, self._shot.height, aspect, eye)

    def placed(self, found: _Heads) -> ShotSubframe:
        """Heads alone; what hides them is as at the frame itself."""
        there = [head for head in found.seen if head is not None]
        avatars, placed, _ = shot.placed_heads(there, self._depsgraph, found.shear, self._should_cancel)
        left = iter(replace(each, avatar=self._shot.avatars.index(avatars[each.avatar])) for each in placed)
        heads: list[ShotHead] = []
        for head, still in zip(found.seen, self._frame.heads, strict=True):
            heads.append(still if head is None else replace(next(left), holdout=still.holdout))
        return ShotSubframe(found.view, tuple(heads))

    def subframe(self, moment: _Moment, hidden: bool) -> ShotSubframe:
        """
        Args:
            hidden: whether anything hides heads while the shutter is open.
        """
        bare = self.placed(moment)
        if self.is_full or not hidden:
            return bare
        occluding, solids = (shot.packed_triangles(each, moment.shear) for each in (moment.triangles, moment.solids))
        self._room -= len(occluding) + len(solids)
        self.is_full = self._room < 0
        return replace(bare, occluders=occluding, solids=solids)

    def _pixels(self, points: np.ndarray, view: ShotCamera, shear: np.ndarray | None) -> np.ndarray:
        """Where points (P, 3) of the world are in the picture; what is far outside moves no more."""
        matrix = np.reshape(view.world_to_camera, (4, 4))
        matrix = matrix if shear is None else matrix @ shear
        x, y, z = (points @ matrix[:3, :3].T + matrix[:3, 3]).T
        scale = np.ones_like(z) if view.orthographic else 1 / np.maximum(z, view.near)
        size = np.array([self._shot.width, self._shot.height])
        K = np.reshape(view.K, (3, 3))
        return np.clip(np.stack([x, y], 1) * scale[:, None] * K[[0, 1], [0, 1]] + K[:2, 2], -size, 2 * size)


def _travel(one: _Moment, other: _Moment) -> float:
    """Pixels by which something moves from one moment to the next at most."""
    farthest = 0.0
    for before, after in ((one.places, other.places), (one.before, other.before)):
        if before.shape != after.shape:
            farthest = max(farthest, _UNKNOWN)
        elif len(before):
            farthest = max(farthest, float(np.linalg.norm(after - before, axis=1).max()))
    return farthest


def _vertices(head: shot.SeenHead, depsgraph: bpy.types.Depsgraph) -> np.ndarray:
    """Some vertices (P, 3) of a head as it is evaluated, in the world."""
    mesh = model.mesh_of(head.object.evaluated_get(depsgraph))
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    matrix = np.reshape(head.matrix, (4, 4))
    return _some(points.reshape(-1, 3)) @ matrix[:3, :3].T + matrix[:3, 3]


def _some(points: np.ndarray) -> np.ndarray:
    return points[:: 1 + len(points) // _POINTS]
