"""What Blender's viewport is sent of a frame: the rectangle where something is seen, as small as it can be uploaded.

Blender uploads nothing but float32 to a texture, and quickly only where it need not convert it. So each pixel is two
float32, each of which holds an integer below 2²⁴ exactly:

    red · 2¹⁶ + green · 2⁸ + blue        0 to 255 each, premultiplied sRGB, as Gaussians are blended
    alpha · 2¹⁶ + depth                  alpha 0 to 255; depth 0 to 65535, from the nearest to the farthest
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..avatar import Avatar
from ..gaussians import Image, render
from ..kernels import thread_pool
from ..kernels.compilation import kernel
from ..kernels.thread_pool import atomic_increment
from ..wire import Shot
from . import holdouts
from .frame import pose_moment

LEAST_ALPHA = 0.5 / 255
"""Below it a pixel's alpha is rounded to 0."""
_ROWS = 16  # that a thread takes at once


@dataclass(frozen=True)
class PackedPicture:
    """The part of a picture where something is seen.

    Attributes:
        rectangle: x, y, width, height in pixels from the top left corner; width and height are 0 where nothing is seen.
        depths: planar, metres, that 0 and 65535 stand for.
        pixels: float32 (height, width, 2), top row first, as this module says.
    """

    rectangle: tuple[int, int, int, int]
    depths: tuple[float, float]
    pixels: np.ndarray


@torch.no_grad()
def render_packed(shot: Shot, avatars: Sequence[Avatar]) -> PackedPicture:
    """Poses, places and renders the heads of a Shot of one frame; its region and background are not looked at, and
    nothing is blurred or refined.

    Args:
        shot: of one frame.
        avatars: in the order of `shot.avatars`.
    """
    (frame,) = shot.frames
    moment = pose_moment(shot, frame, frame, avatars)
    if moment.held_out is not None:
        return packed(holdouts.seen(moment.cloud, moment.held_out, moment.camera).image)
    return packed(render(moment.cloud, moment.camera).on_cpu())


def packed(image: Image) -> PackedPicture:
    """A picture on the processor, over black, as the viewport is sent it."""
    height, _width = image.alpha.shape
    threads = thread_pool.thread_count()
    extents = np.empty((height, 4), np.float32)
    thread_pool.run(threads, _find_extents, image.alpha, image.depth, extents, np.zeros(1, np.int64))
    rows = np.flatnonzero(extents[:, 1] > 0)
    if not len(rows):
        return PackedPicture((0, 0, 0, 0), (0.0, 1.0), np.empty((0, 0, 2), np.float32))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(extents[rows, 0].min()), int(extents[rows, 1].max())
    near, far = extents[rows, 2].min(), extents[rows, 3].max()
    pixels = np.empty((bottom - top, right - left, 2), np.float32)
    arguments = image.rgb, image.alpha, image.depth, top, left, near, _steps(near, far), pixels
    thread_pool.run(threads, _pack, *arguments, np.zeros(1, np.int64))
    return PackedPicture((left, top, right - left, bottom - top), (float(near), float(far)), pixels)


def packed_reference(image: Image) -> PackedPicture:
    """`packed`, slow and readable."""
    seen = image.alpha > np.float32(LEAST_ALPHA)
    if not seen.any():
        return PackedPicture((0, 0, 0, 0), (0.0, 1.0), np.empty((0, 0, 2), np.float32))
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    near, far = image.depth[seen].min(), image.depth[seen].max()
    rgba = np.concatenate([image.rgb, image.alpha[..., None]], axis=-1)[part]
    bytes_ = np.where(seen[part][..., None], np.rint(np.clip(rgba, 0, 1) * np.float32(255)), 0)
    depth = np.clip(np.rint((image.depth[part] - near) * _steps(near, far)), 0, 65535)
    red, green, blue, alpha = np.moveaxis(bytes_, -1, 0)
    pixels = np.stack([red * 65536 + green * 256 + blue, alpha * 65536 + np.where(seen[part], depth, 0)], axis=-1)
    height, width = seen[part].shape
    return PackedPicture((int(columns[0]), int(rows[0]), width, height), (float(near), float(far)), pixels)


def warm_up() -> None:
    """Compiles the kernels."""
    packed(Image(np.ones((1, 1, 3), np.float32), np.ones((1, 1), np.float32), np.ones((1, 1), np.float32)))


def _steps(near: np.float32, far: np.float32) -> np.float32:
    """Of depth, per metre."""
    return np.float32(65535) / (far - near) if far > near else np.float32(0)


@kernel
def _find_extents(alpha, depth, extents, counter):
    """Of each row the first column that is seen and the one after the last, and the least and greatest depth."""
    height, width = alpha.shape
    while True:
        first = atomic_increment(counter) * _ROWS
        if first >= height:
            return
        for y in range(first, min(first + _ROWS, height)):
            left, right = width, 0
            near, far = np.float32(np.inf), np.float32(0)
            for x in range(width):
                if alpha[y, x] > np.float32(LEAST_ALPHA):
                    left, right = min(left, x), x + 1
                    near, far = min(near, depth[y, x]), max(far, depth[y, x])
            extents[y, 0], extents[y, 1], extents[y, 2], extents[y, 3] = left, right, near, far


@kernel
def _byte(value):
    return np.int32(np.rint(min(max(value, np.float32(0)), np.float32(1)) * np.float32(255)))


@kernel
def _pack(rgb, alpha, depth, top, left, near, steps, pixels, counter):
    height, width = pixels.shape[:2]
    while True:
        first = atomic_increment(counter) * _ROWS
        if first >= height:
            return
        for row in range(first, min(first + _ROWS, height)):
            y = top + row
            for column in range(width):
                x = left + column
                pixels[row, column, 0] = pixels[row, column, 1] = np.float32(0)
                if alpha[y, x] > np.float32(LEAST_ALPHA):
                    colour = (_byte(rgb[y, x, 0]) << 16) + (_byte(rgb[y, x, 1]) << 8) + _byte(rgb[y, x, 2])
                    step = min(max(np.rint((depth[y, x] - near) * steps), np.float32(0)), np.float32(65535))
                    pixels[row, column, 0] = np.float32(colour)
                    pixels[row, column, 1] = np.float32((_byte(alpha[y, x]) << 16) + np.int32(step))
