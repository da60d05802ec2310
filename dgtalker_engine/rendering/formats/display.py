"""Scene-linear colours through a view transform that Blender sampled: a cube of colours, interpolated in tetrahedra.

`wire.display_places` says for which colours the cube's places stand. Tetrahedra keep greys grey (Kasson et al.,
Performing Color Space Conversions with Three-Dimensional Linear Interpolation, 1995).
"""

from __future__ import annotations

import numpy as np

from ...kernels.compilation import kernel
from ...wire.sequence import LARGEST, SMALLEST


def to_integers(rgba: np.ndarray, cube: np.ndarray, greatest: int) -> np.ndarray:
    """Premultiplied scene-linear float32 (H, W, 4) → straight display colours and alpha, uint16 (H, W, 4).

    Args:
        cube: float32 (n, n, n, 3), by red, green, blue.
        greatest: that 1 becomes.
    """
    values = np.empty(rgba.shape, np.uint16)
    flat = np.ascontiguousarray(rgba, np.float32).reshape(-1, 4)
    _to_integers(flat, np.ascontiguousarray(cube, np.float32), _reach(), greatest, values.reshape(-1, 4))
    return values


def reference(rgba: np.ndarray, cube: np.ndarray, greatest: int) -> np.ndarray:
    """`to_integers`, slow and readable."""
    rgba = np.asarray(rgba, np.float64)
    side = len(cube)
    result = np.zeros(rgba.shape, np.uint16)
    for index in np.ndindex(rgba.shape[:-1]):
        alpha = min(max(rgba[index][3], 0.0), 1.0)
        if alpha == 0:
            continue
        straight = np.clip(rgba[index][:3] / alpha, 0, LARGEST)
        place = np.log2(straight / SMALLEST + 1) / _reach() * (side - 1)
        low = np.minimum(place.astype(int), side - 2)
        part = place - low
        corner, value = low.copy(), cube[tuple(low)].astype(np.float64)
        for axis in np.argsort(-part, kind="stable"):
            before = cube[tuple(corner)].astype(np.float64)
            corner[axis] += 1
            value += part[axis] * (cube[tuple(corner)] - before)
        colours = np.clip([*value, alpha], 0, 1)
        result[index] = np.floor(colours * greatest + 0.5)
    return result


def _reach() -> float:
    return float(np.log2(LARGEST / SMALLEST + 1))


@kernel
def _to_integers(rgba, cube, reach, greatest, out):
    side = len(cube)
    scale = np.float32((side - 1) / reach)
    most = np.float32(greatest)
    part = np.empty(3, np.float32)
    low = np.empty(3, np.int64)
    for pixel in range(len(rgba)):
        alpha = min(max(rgba[pixel, 3], np.float32(0)), np.float32(1))
        if alpha == 0:
            out[pixel] = 0
            continue
        if pixel > 0 and (
            rgba[pixel, 0] == rgba[pixel - 1, 0]
            and rgba[pixel, 1] == rgba[pixel - 1, 1]
            and rgba[pixel, 2] == rgba[pixel - 1, 2]
            and rgba[pixel, 3] == rgba[pixel - 1, 3]
        ):  # a plain background is most of a picture
            out[pixel] = out[pixel - 1]
            continue
        for channel in range(3):
            straight = min(max(rgba[pixel, channel] / alpha, np.float32(0)), np.float32(LARGEST))
            place = np.float32(np.log2(straight * np.float32(1 / SMALLEST) + np.float32(1))) * scale
            low[channel] = min(np.int64(place), side - 2)
            part[channel] = place - np.float32(low[channel])
        first = second = third = 0
        for channel in range(3):  # the axes from the greatest part to the least, equal ones in their order
            before = 0
            for other in range(3):
                if part[other] > part[channel] or (part[other] == part[channel] and other < channel):
                    before += 1
            if before == 0:
                first = channel
            elif before == 1:
                second = channel
            else:
                third = channel
        r, g, b = low[0], low[1], low[2]
        r1, g1, b1 = r + (first == 0), g + (first == 1), b + (first == 2)
        r2, g2, b2 = r1 + (second == 0), g1 + (second == 1), b1 + (second == 2)
        for channel in range(3):
            value = (
                (np.float32(1) - part[first]) * cube[r, g, b, channel]
                + (part[first] - part[second]) * cube[r1, g1, b1, channel]
                + (part[second] - part[third]) * cube[r2, g2, b2, channel]
                + part[third] * cube[r + 1, g + 1, b + 1, channel]
            )
            value = min(max(value, np.float32(0)), np.float32(1))
            out[pixel, channel] = np.uint16(value * most + np.float32(0.5))
        out[pixel, 3] = np.uint16(alpha * most + np.float32(0.5))
