"""Where the planes show each vertex of a face model: much of them for what is looked at, little for what is not.

The face model's own UV knows no such difference: of planes of 128 × 128 texels a face then has 2000, one in 5 mm, and
the neck 4000. Here lips, eyes and face are large, and hardly anything is left for what is hidden.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...capture.face_model import FaceModel, Region
from ...training.flattening import circle, components, flatten
from ...training.isometry import nearly_isometric

_DENSITY = {
    Region.SKIN: 1.0,
    Region.UPPER_FACE: 1.6,
    Region.LIPS: 6.0,
    Region.MOUTH_INSIDE: 0.15,
    Region.TEETH: 1.0,
    Region.EYES: 2.5,
    Region.SCALP: 0.7,
    Region.NECK: 0.3,
}
"""Room and Gaussians per surface, relative, of what looks outwards."""
_HIDDEN = 0.1
"""Of an inner part that looks backwards."""
_LITTLE, _COUNTS = 0.1, 0.8
"""How little shapes of the neck and of what is hidden count, and how much of an outline is for what counts."""
_SKIN = 0.82
"""Height of the rectangle of the skin, whose width is 1; inner parts lie in the strip below it."""
_LEAST = 1e-9
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
    density = triangle_density(model)
    counts = np.where(_hidden(model) | (model.regions.cpu().numpy() == Region.NECK), _LITTLE, 1.0)
    layout = np.zeros((len(vertices), 2))
    squares = _squares(_SKIN, number - 1)
    for label, square in zip(order, [None, *squares], strict=True):
        own = np.flatnonzero(labels == label)
        index = np.full(len(vertices), -1)
        index[own] = np.arange(len(own))
        used = of_triangles == label
        part, local = vertices[own], index[triangles[used]]
        flat = flatten(part, local, circle if square else _rectangle, density[used])
        flat = _spread(part, local, flat, density[used], counts[used])
        if square is None:
            layout[own] = (_GAP + (1 - 2 * _GAP) * (0.5 + 0.5 * flat[:, 0]))[:, None] * (1, 0)
            layout[own, 1] = _GAP + (_SKIN - 2 * _GAP) * (0.5 + 0.5 * flat[:, 1] / _SKIN)
        else:
            corner, side = square
            layout[own] = np.asarray(corner) + side / 2 + (side / 2 - _GAP) * flat
    return torch.from_numpy(layout.astype(np.float32))


def _spread(
    vertices: np.ndarray, triangles: np.ndarray, flat: np.ndarray, density: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """A part inside its outline, its triangles as alike in shape as they can be.

    Args:
        vertices: (n, 3).
        triangles: (m, 3).
        flat: where they lie to begin with (n, 2).
        density: see `triangle_density` (m,).
        counts: how much the shape of each triangle counts (m,).
    """
    places = flat[triangles]
    room = _cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    rim = np.ones(len(flat), bool)
    rim[np.setdiff1d(triangles, _edge(triangles))] = False
    # What a closed part is opened by has no room, and no say.
    kept = room > _LEAST
    rim[triangles[~kept]] = True
    corners = vertices[triangles[kept]]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    length = np.linalg.norm(first, axis=1)
    doubled = np.linalg.norm(np.cross(first, second), axis=1)
    along = (first * second).sum(axis=1) / length
    shapes = np.stack([np.stack([length, along], 1), np.stack([0 * length, doubled / length], 1)], axis=1)
    weights = density[kept] * doubled * counts[kept]
    shapes *= np.sqrt(_COUNTS * room[kept].sum() / weights.sum() * density[kept])[:, None, None]
    return nearly_isometric(shapes, triangles[kept], flat, rim, weights / weights.sum())


def _edge(triangles: np.ndarray) -> np.ndarray:
    """Vertices of edges that have one triangle."""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    edges, uses = np.unique(edges, axis=0, return_counts=True)
    return np.unique(edges[uses == 1])


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]


def triangle_density(model: FaceModel) -> np.ndarray:
    """How much is looked at each triangle's surface, relative to skin (F,)."""
    density = np.array([_DENSITY[Region(region)] for region in range(len(Region))])[model.regions.cpu().numpy()]
    return np.where(_hidden(model), _HIDDEN * density, density)


def _hidden(model: FaceModel) -> np.ndarray:
    """Inner parts that look backwards, and what lies behind the eyeballs (F,)."""
    regions = model.regions.cpu().numpy()
    turning = (model.skin_weights.sum(dim=1) > 0.5).cpu().numpy()[model.faces.cpu().numpy()].all(axis=1)
    corners = model.neutral.double().cpu().numpy()[model.faces.cpu().numpy()]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    backwards = normals[:, 1] > -0.3 * np.linalg.norm(normals, axis=1)
    return (np.isin(regions, _INNER) & backwards) | ((regions == Region.EYES) & ~turning)


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
