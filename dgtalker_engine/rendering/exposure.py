"""A picture through an open shutter and a wide aperture: the mean of many sharp ones, in linear light."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..gaussians import Camera, Gaussians
from ..gaussians.constants import NOTHING_HIT
from ..gaussians.transform import placed
from ..wire import ShotLens
from . import lens as lenses


@dataclass(frozen=True)
class Moment:
    """What is seen at one time.

    Attributes:
        cloud: the heads in the world, their colours as `camera` sees them.
        camera: in the middle of its aperture.
        lens: its aperture; None where all of it is sharp.
        occluders, solids: float32 (T, 3, 3), triangles as a `ShotFrame` has them.
        held_out: bool (N,), which Gaussians are holdouts'; None where there are none.
    """

    cloud: Gaussians
    camera: Camera
    lens: ShotLens | None
    occluders: np.ndarray
    solids: np.ndarray
    held_out: np.ndarray | None = None

    def through(self, point: np.ndarray) -> Moment:
        """The moment from a point (2,) of the aperture alone."""
        assert self.lens is not None
        camera, before = lenses.seen_through(self.lens, self.camera, point)
        if before is None:
            return replace(self, camera=camera, lens=None)
        moved = [each @ before[:3, :3].T + before[:3, 3] for each in (self.occluders, self.solids)]
        return Moment(placed(self.cloud, before, camera), camera, None, *moved, held_out=self.held_out)


class Layers(NamedTuple):
    """Heads as if no mesh were before them, and what meshes hide of them.

    Attributes:
        rgba: premultiplied scene-linear, float32 (H, W, 4).
        depth: planar (H, W), metres.
        hidden: the part (H, W) of each pixel that meshes hide of the heads; None where there are no meshes.
        held_out: what holdouts (H, W) cover of each pixel; None where there are none.
    """

    rgba: np.ndarray
    depth: np.ndarray
    hidden: np.ndarray | None
    held_out: np.ndarray | None


def exposed(
    moments: Iterable[Moment], count: int, draw: Callable[[Moment], Layers], tick: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The mean of moments, and in each of them of the points of the aperture: a `SeenPicture`.

    Depth is the mean of what is seen, by alpha. The part that is hidden is a mean by the heads' own alpha: what meshes
    cover while a head is there.

    Args:
        moments: in the order of time.
        count: how many there are.
        draw: a sharp picture of one.
        tick: is told which part is done; what it raises ends the work.
    """
    picture = np.empty(0, np.float32)
    far = heads = hidden = held_out = np.empty(0, np.float32)
    drawn = 0
    for i, moment in enumerate(moments):
        needed = 1 if moment.lens is None else lenses.point_count(moment.lens, moment.camera, moment.cloud)
        points = -(-needed // count)
        for j, sharp in enumerate(_through_aperture(moment, drawn, points, needed > 1)):
            tick((i + j / points) / count)
            layers = draw(sharp)
            if not drawn:
                picture = np.zeros_like(layers.rgba)
                far, heads, hidden, held_out = (np.zeros_like(layers.depth) for _ in range(4))
            drawn += 1
            rgba, hole, weight = layers.rgba, layers.held_out, np.float32(1 / (count * points))
            rgba *= weight
            covered = rgba[..., 3] if hole is None else rgba[..., 3] + weight * hole
            heads += covered
            if layers.hidden is not None:
                hidden += covered * layers.hidden
                rgba *= (1 - layers.hidden)[..., None]
            picture += rgba
            if hole is not None:
                held_out += weight * hole * (1 if layers.hidden is None else 1 - layers.hidden)
            far += rgba[..., 3] * layers.depth
    alpha = picture[..., 3]
    depth = np.divide(far, alpha, out=np.full_like(far, NOTHING_HIT), where=alpha > 0)
    return picture, depth, np.divide(hidden, heads, out=np.zeros_like(hidden), where=heads > 0), held_out


def _through_aperture(moment: Moment, first: int, points: int, blurred: bool) -> Iterator[Moment]:
    """The moment from points of its aperture; from the middle where nothing is blurred."""
    if moment.lens is None or not blurred:
        yield moment
        return
    for point in lenses.aperture_points(moment.lens, first, points):
        yield moment.through(point)
