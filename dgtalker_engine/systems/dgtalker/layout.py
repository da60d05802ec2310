"""Where the planes show each vertex of a face model: much of them for what is looked at, little for what is not.

The face model's own UV gives every surface its share; of planes of 128 × 128 texels a face then has 2000, one in
5 mm. Here lips, eyes and face are large, and hardly anything is left for the neck's end and the inside of the skull.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...capture.face_model import FaceModel, Region
from ...training.flattening import circle, components, flatten

_DENSITY = {
    Region.SKIN: 1.0,
    Region.UPPER_FACE: 1.6,
    Region.LIPS: 3.0,
    Region.MOUTH_INSIDE: 0.15,
    Region.TEETH: 1.0,
    Region.EYES: 2.5,
    Region.SCALP: 0.7,
    Region.NECK: 0.15,
}
"""Room per surface, relative, of what looks outwards."""
_HIDDEN = 0.1
"""Of an inner part that looks backwards."""
_SKIN = 0.82
"""Height of the rectangle of the skin, whose width is 1; inner parts lie in the strip below it."""
_GAP = 0.006
"""Around each part, so that texels of one do not show in another."""
_INNER = (Region.LIPS, Region.MOUTH_INSIDE, Region.TEETH, Region.EYES)


def plane_layout(model: FaceModel) -> Tensor:
    """Places on the planes, 0–1, first to the right, then down, float32 (V, 2)."""
    vertices, triangles = model.neutral.double().cpu().numpy(), model.faces.cpu().numpy()
    number, labels = components(len(vertices), triangles)
    of_triangles = labels[triangles[:, 0]]
    sizes = np.bincount(of_triangles, minlength=number)
    order = np.argsort(-sizes, kind="stable")
    density = _density(model, vertices, triangles)
    layout = np.zeros((len(vertices), 2))
    squares = _squares(_SKIN, number - 1)
    for label, square in zip(order, [None, *squares], strict=True):
        own = np.flatnonzero(labels == label)
        index = np.full(len(vertices), -1)
        index[own] = np.arange(len(own))
        used = of_triangles == label
        flat = flatten(vertices[own], index[triangles[used]], circle if square else _rectangle, density[used])
        if square is None:
            layout[own] = (_GAP + (1 - 2 * _GAP) * (0.5 + 0.5 * flat[:, 0]))[:, None] * (1, 0)
            layout[own, 1] = _GAP + (_SKIN - 2 * _GAP) * (0.5 + 0.5 * flat[:, 1] / _SKIN)
        else:
            corner, side = square
            layout[own] = np.asarray(corner) + side / 2 + (side / 2 - _GAP) * flat
    return torch.from_numpy(layout.astype(np.float32))


def _density(model: FaceModel, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    regions = model.regions.cpu().numpy()
    density = np.array([_DENSITY[Region(region)] for region in range(len(Region))])[regions]
    corners = vertices[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    backwards = normals[:, 1] > -0.3 * np.linalg.norm(normals, axis=1)
    density[np.isin(regions, _INNER) & backwards] *= _HIDDEN
    return density


def _rectangle(boundary: np.ndarray) -> np.ndarray:
    """2 wide and 2 `_SKIN` high; the middle of its lowest side is in front, and as much is left as right."""
    corners = np.array([[0, -1], [1, -1], [1, 1], [-1, 1], [-1, -1], [0, -1]]) * (1, _SKIN)
    around = _lengths(corners)
    foremost = np.abs(boundary[:, 0]) + np.where(boundary[:, 1] > np.median(boundary[:, 1]), np.inf, 0)
    start = int(foremost.argmin())
    ways = _lengths(np.roll(boundary, -start, axis=0)[[*range(len(boundary)), 0]])[:-1]
    places = np.stack([np.interp(ways, around, corners[:, axis]) for axis in (0, 1)], axis=1)
    return np.roll(places, start, axis=0)


def _lengths(points: np.ndarray) -> np.ndarray:
    """How far along a line each of its points is; all of it is 1."""
    ways = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return ways / ways[-1]


def _squares(top: float, count: int) -> list[tuple[tuple[float, float], float]]:
    """Corners and sides of squares in the strip below `top`: three as high as it is, the others as large as fit."""
    high = 1 - top
    large = min(3, count)
    squares = [((index * high, top), high) for index in range(large)]
    rows = 1
    while int((1 - large * high) / (high / rows)) * rows < count - large:
        rows += 1
    side = high / rows
    along = int((1 - large * high) / side)
    squares += [((large * high + i % along * side, top + i // along * side), side) for i in range(count - large)]
    return squares
