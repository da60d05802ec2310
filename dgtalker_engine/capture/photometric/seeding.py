"""Where the Gaussians of a head begin: pixels of a few frames, on the mesh or beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import DGTalkerError
from .. import packages
from ..regions import FrameRegions
from .appearance import Seeds
from .scene import SIDE, Scene

_COUNT = 10000
_SIZE = 1.0  # of a pixel
_DEEPEST = 0.11  # metres of roundness beside the face, at most
_BEHIND = 0.01  # metres behind the pivot, where the outline lies


def seed(scene: Scene, frames: Sequence[int], random: np.random.Generator) -> Seeds:
    """Gaussians at random pixels of the heads in some frames, evenly over the picture.

    Raises:
        DGTalkerError: none of the frames shows a head.
    """
    triangles, barycentrics, anchors = [], [], []
    bound_colours, free_colours, bound_sizes, free_sizes = [], [], [], []
    focal = scene.camera(frames[0]).K[0, 0]
    for frame in frames:
        regions, picture = scene.regions(frame), scene.picture(frame) / np.float32(255)
        rows, columns = np.nonzero(regions.head)
        if len(rows) == 0:
            continue
        chosen = random.choice(len(rows), -(-_COUNT // len(frames)))
        rows, columns = rows[chosen], columns[chosen]
        on = regions.raster.triangles[rows, columns] >= 0
        triangles.append(regions.raster.triangles[rows, columns][on])
        barycentrics.append(regions.raster.barycentrics[rows, columns][on])
        bound_colours.append(picture[rows, columns][on])
        bound_sizes.append(regions.raster.depth[rows, columns][on] * (_SIZE / focal))
        places, depths = _beside(scene, frame, regions, rows[~on], columns[~on])
        anchors.append(places)
        free_colours.append(picture[rows, columns][~on])
        free_sizes.append(depths * (_SIZE / focal))
    if not triangles:
        raise DGTalkerError("The person's head was not found in the frames' masks.", "Give a film of one person.")
    faces = scene.face_model.faces.numpy()
    return Seeds(
        triangles=faces[np.concatenate(triangles)],
        barycentrics=np.concatenate(barycentrics).astype(np.float32),
        anchors=np.concatenate(anchors).astype(np.float32),
        colours=np.concatenate([*bound_colours, *free_colours]).astype(np.float32),
        sizes=np.concatenate([*bound_sizes, *free_sizes]).astype(np.float32),
    )


def _beside(
    scene: Scene, frame: int, regions: FrameRegions, rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Places in head space (n, 3) and depths (n,) of pixels beside the mesh: on a round shape about the pivot."""
    camera = scene.camera(frame)
    focal, pose = camera.K[0, 0], camera.world_to_camera
    far = float(pose[2, 3])
    edge = packages.load("cv2").distanceTransform(regions.head.astype(np.uint8), 2, 5)[rows, columns] * far / focal
    inwards = np.minimum(edge, _DEEPEST)
    depths = far + _BEHIND - 0.7 * np.sqrt(_DEEPEST**2 - (_DEEPEST - inwards) ** 2)
    flat = np.stack([columns + 0.5 - SIDE / 2, rows + 0.5 - SIDE / 2], 1) / focal
    there = np.concatenate([flat * depths[:, None], depths[:, None]], 1)
    return (there - pose[:3, 3]) @ pose[:3, :3], depths
