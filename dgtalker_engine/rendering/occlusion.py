"""Meshes before heads: which part of each pixel they hide, from sub-samples that lie as a renderer's pixel filter does.

A mesh's edge is then as soft as in the picture that the heads are put into, and where both filters are the same, what
is hidden here is covered there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..gaussians import Camera
from ..gaussians.constants import NOTHING_HIT
from ..kernels import thread_pool
from .occlusion_kernels import ROWS_OF_BAND, draw_bands

SAMPLES = 32
"""Places in a pixel at which meshes are looked at."""

_BLACKMAN_HARRIS = (0.35875, -0.48829, 0.14128, -0.01168)
_STEPS = 1024


@dataclass(frozen=True)
class Triangles:
    """Triangles as a camera sees them, float64 (T, 3) each: pixels from the picture's top left corner, and nearness,
    which is linear in the picture and larger for what is nearer (`nearness`)."""

    x: np.ndarray
    y: np.ndarray
    near: np.ndarray


def hidden_part(
    occluders: np.ndarray,
    solids: np.ndarray,
    camera: Camera,
    depth: np.ndarray,
    region: tuple[int, int, int, int],
    filter_width: float,
) -> np.ndarray:
    """The part of each pixel, 0 to 1, in which a mesh is nearer than the heads; 0 where no head is.

    Args:
        occluders: float32 (T, 3, 3), corners of triangles in the world, metres; seen from either side.
        solids: likewise of the heads' own meshes. A renderer that lets them throw shadows draws black what is inside
            them, though their Gaussians may lie deeper.
        camera: of the heads.
        depth: of the heads, float32 (H, W), as `gaussians.Image` has it.
        region: x, y, width, height of it in the whole picture.
        filter_width: pixels, of the Blackman-Harris filter of the picture of the meshes; 0 for pixels' centres alone.
    """
    hidden = np.zeros(depth.shape, np.float32)
    rows, columns = (np.flatnonzero((depth < NOTHING_HIT).any(axis)) for axis in (1, 0))
    if not len(rows):
        return hidden
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    heads = np.ascontiguousarray(depth[top:bottom, left:right])
    farthest = float(heads[heads < NOTHING_HIT].max())
    meshes = [project(each, camera, farthest) for each in (occluders, solids)]
    behind = np.where(heads < NOTHING_HIT, nearness(heads.astype(np.float64), camera.orthographic), np.inf)
    corner = np.array([region[0] + left, region[1] + top], np.float64)
    offsets = sample_offsets(filter_width)
    part = np.zeros(heads.shape, np.float32)
    counter = np.zeros(1, np.int64)
    bands = -(-len(heads) // ROWS_OF_BAND)
    threads = min(thread_pool.thread_count(), bands)
    margin = float(np.abs(offsets).max()) + 1
    arrays = [array for each in meshes for array in _by_band(each, corner, heads.shape, margin)]
    thread_pool.run(threads, draw_bands, *arrays, behind.astype(np.float32), offsets, part, counter)
    hidden[top:bottom, left:right] = part
    return hidden


def _by_band(triangles: Triangles, corner: np.ndarray, shape: tuple[int, ...], margin: float) -> list[np.ndarray]:
    """Triangles sorted by the bands of a picture that they reach into, in each of which they are listed: x, y, near,
    and where each band begins.

    Args:
        corner: x, y of the picture's first pixel.
        shape: of the picture, (H, W).
        margin: pixels by which samples lie off their pixel at most.
    """
    bands = -(-shape[0] // ROWS_OF_BAND)
    x, y = triangles.x - corner[0], triangles.y - corner[1]
    low, high = y.min(1) - margin, y.max(1) + margin
    inside = (x.max(1) > -margin) & (x.min(1) < shape[1] + margin) & (high > 0) & (low < shape[0])
    chosen = np.flatnonzero(inside)
    first, last = (np.clip(ends[chosen] // ROWS_OF_BAND, 0, bands - 1).astype(np.int64) for ends in (low, high))
    counts = last - first + 1
    earlier = np.cumsum(counts) - counts
    band = np.repeat(first - earlier, counts) + np.arange(counts.sum())
    order = np.argsort(band, kind="stable")
    listed = np.repeat(chosen, counts)[order]
    return [x[listed], y[listed], triangles.near[listed], np.searchsorted(band[order], np.arange(bands + 1))]


def hidden_part_reference(
    occluders: np.ndarray,
    solids: np.ndarray,
    camera: Camera,
    depth: np.ndarray,
    region: tuple[int, int, int, int],
    filter_width: float,
) -> np.ndarray:
    """`hidden_part`, readable: every triangle over every sample."""
    meshes = [project(each, camera, np.inf) for each in (occluders, solids)]
    rows, columns = np.indices(depth.shape)
    heads = nearness(depth.astype(np.float64), camera.orthographic).astype(np.float32)
    hidden = np.zeros(depth.shape)
    for offset in sample_offsets(filter_width):
        x, y = columns + region[0] + offset[0], rows + region[1] + offset[1]
        mesh, solid = (_nearest(each, x, y) for each in meshes)
        hidden += mesh > np.maximum(heads, solid)
    return np.where(depth < NOTHING_HIT, hidden / SAMPLES, 0).astype(np.float32)


def _nearest(triangles: Triangles, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The nearness of the nearest triangle at places of the picture; −∞ where none is."""
    nearest = np.full(x.shape, -np.inf, np.float32)
    for ax, ay, az in zip(triangles.x, triangles.y, triangles.near, strict=True):
        area = (ax[1] - ax[0]) * (ay[2] - ay[0]) - (ay[1] - ay[0]) * (ax[2] - ax[0])
        if area == 0:
            continue
        first = ((ax[1] - x) * (ay[2] - y) - (ay[1] - y) * (ax[2] - x)) / area
        second = ((ax[2] - x) * (ay[0] - y) - (ay[2] - y) * (ax[0] - x)) / area
        weights = np.stack([first, second, 1 - first - second])
        inside = (weights >= 0).all(0)
        nearest = np.where(inside, np.maximum(nearest, np.tensordot(az, weights, 1)), nearest)
    return nearest


def warm_up() -> None:
    """Compiles the kernels, or loads them."""
    camera = Camera(K=np.array([[8.0, 0, 4], [0, 8.0, 4], [0, 0, 1]]), world_to_camera=np.eye(4), width=8, height=8)
    triangle = np.array([[[-1, -1, 1], [1, -1, 1], [0, 1, 1]]], np.float32)
    hidden_part(triangle, triangle, camera, np.full((8, 8), 2, np.float32), (0, 0, 8, 8), 1.5)


def nearness(depth: np.ndarray, orthographic: bool) -> np.ndarray:
    """What is linear over a flat triangle's picture, and larger for what is nearer: 1 / depth in perspective."""
    return -depth if orthographic else 1 / depth


def project(occluders: np.ndarray, camera: Camera, farthest: float) -> Triangles:
    """Triangles that reach into the depth between the camera's near plane and `farthest`, cut off at the near plane."""
    matrix = np.asarray(camera.world_to_camera, np.float64)
    corners = occluders.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    corners = corners.reshape(-1, 3, 3)
    depths = corners[..., 2]
    corners = corners[(depths.max(1) > camera.near) & (depths.min(1) < min(farthest, camera.far))]
    cut = corners[..., 2].min(1) < camera.near
    corners = np.concatenate([corners[~cut], _cut(corners[cut], camera.near)])
    x, y, z = corners[..., 0], corners[..., 1], corners[..., 2]
    K = np.asarray(camera.K, np.float64)
    scale = 1.0 if camera.orthographic else 1 / z
    return Triangles(
        np.ascontiguousarray(K[0, 0] * x * scale + K[0, 2]),
        np.ascontiguousarray(K[1, 1] * y * scale + K[1, 2]),
        np.ascontiguousarray(nearness(z, camera.orthographic)),
    )


def _cut(corners: np.ndarray, near: float) -> np.ndarray:
    """What of triangles (T, 3, 3) lies beyond the near plane, (≤ 2 T, 3, 3), one for each corner that sticks out."""
    kept: list[np.ndarray] = []
    inside = corners[..., 2] >= near
    for count in (1, 2):
        chosen = inside.sum(1) == count
        # The corner that is alone on its side comes first.
        alone = (inside if count == 1 else ~inside)[chosen].argmax(1)
        order = (alone[:, None] + np.arange(3)) % 3
        a, b, c = np.moveaxis(np.take_along_axis(corners[chosen], order[..., None], 1), 1, 0)
        on_ab, on_ac = _crossing(a, b, near), _crossing(a, c, near)
        if count == 1:
            kept.append(np.stack([a, on_ab, on_ac], 1))
        else:
            kept += [np.stack([on_ab, b, c], 1), np.stack([on_ab, c, on_ac], 1)]
    return np.concatenate(kept)


def _crossing(start: np.ndarray, end: np.ndarray, near: float) -> np.ndarray:
    along = (near - start[:, 2]) / (end[:, 2] - start[:, 2])
    point = start + along[:, None] * (end - start)
    point[:, 2] = near
    return point


def sample_offsets(filter_width: float) -> np.ndarray:
    """Where in a pixel meshes are looked at, float64 (SAMPLES, 2), from its top left corner: as densely as the filter
    weighs (Cycles' Blackman-Harris: of `filter_width`, it reaches as far to either side)."""
    index = np.arange(SAMPLES)
    bits = int(SAMPLES).bit_length() - 1
    reverse = sum(((index >> bit) & 1) << (bits - 1 - bit) for bit in range(bits))
    even = np.stack([(index + 0.5) / SAMPLES, (reverse + 0.5) / SAMPLES], 1)
    places = (np.arange(_STEPS) + 0.5) / _STEPS
    weights = sum(factor * np.cos(2 * np.pi * i * places) for i, factor in enumerate(_BLACKMAN_HARRIS))
    total = np.concatenate([[0.0], np.cumsum(weights)])
    reach = np.interp(even, total / total[-1], np.linspace(-1, 1, _STEPS + 1))
    return 0.5 + reach * filter_width
