"""What the kernels are given."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..camera import Camera
from ..constants import CPU_TILE, FRUSTUM_MARGIN


class View(NamedTuple):
    """A camera and a region of its picture, for the kernels. Pixels are those of the whole picture.

    Attributes:
        rotation, translation: world to camera, float64 (3, 3) and (3,).
        eye: the camera in the world, float64 (3,); for an orthographic camera the direction it looks in.
        fx, fy, cx, cy: pixels (per metre for an orthographic camera).
        left, right, top, bottom: how far x/z and y/z may be from 0 when the perspective is linearised.
        near, far: planar depth that is drawn, metres.
        x0, y0, x1, y1: the region, pixels.
        first_column, first_row, columns, rows: the tiles that cover the region.
    """

    rotation: np.ndarray
    translation: np.ndarray
    eye: np.ndarray
    orthographic: bool
    fx: float
    fy: float
    cx: float
    cy: float
    left: float
    right: float
    top: float
    bottom: float
    near: float
    far: float
    x0: int
    y0: int
    x1: int
    y1: int
    first_column: int
    first_row: int
    columns: int
    rows: int


class Framebuffer(NamedTuple):
    """Where a picture is written, or the gradients by one are read.

    Attributes:
        rgb, alpha, depth: of `Image`, float32.
        background: float32 (3,).
    """

    rgb: np.ndarray
    alpha: np.ndarray
    depth: np.ndarray
    background: np.ndarray


def view_of(camera: Camera, region: tuple[int, int, int, int]) -> View:
    """The view of a region (x, y, width, height) of the camera's picture."""
    world_to_camera = np.array(camera.world_to_camera, dtype=np.float64)
    rotation, translation = world_to_camera[:3, :3].copy(), world_to_camera[:3, 3].copy()
    eye = rotation[2] if camera.orthographic else -np.linalg.solve(rotation, translation)
    fx, fy, cx, cy = (float(camera.K[row][column]) for row, column in ((0, 0), (1, 1), (0, 2), (1, 2)))
    margin_x, margin_y = FRUSTUM_MARGIN * camera.width / fx, FRUSTUM_MARGIN * camera.height / fy
    x0, y0, width, height = region
    first_column, first_row = x0 // CPU_TILE, y0 // CPU_TILE
    return View(
        rotation=rotation,
        translation=translation,
        eye=eye,
        orthographic=bool(camera.orthographic),
        fx=fx,
        fy=fy,
        cx=cx,
        cy=cy,
        left=-cx / fx - margin_x,
        right=(camera.width - cx) / fx + margin_x,
        top=-cy / fy - margin_y,
        bottom=(camera.height - cy) / fy + margin_y,
        near=float(camera.near),
        far=float(camera.far),
        x0=x0,
        y0=y0,
        x1=x0 + width,
        y1=y0 + height,
        first_column=first_column,
        first_row=first_row,
        columns=-(-(x0 + width) // CPU_TILE) - first_column,
        rows=-(-(y0 + height) // CPU_TILE) - first_row,
    )
