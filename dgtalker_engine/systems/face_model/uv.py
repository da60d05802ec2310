"""UV: every part of the mesh flattened without a seam, so that a vertex has one place."""

from __future__ import annotations

import numpy as np

from ...training.flattening import circle, components, flatten

_LARGEST = 0.8
"""Side of the square of the component with the most triangles; the others share what is left."""
_MARGIN = 0.96
"""Of a disc in its square."""


def unwrap(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """UV of a mesh (V, 2), 0–1: the component with the most triangles in one corner, the others in rows around it.

    Each lies in a circle (`flatten`).
    """
    count = len(vertices)
    number, labels = components(count, triangles)
    sizes = np.bincount(labels, minlength=number)
    uv = np.zeros((count, 2))
    small = [label for label in np.argsort(-sizes, kind="stable") if label != sizes.argmax()]
    corners = _squares(len(small))
    for label in range(number):
        own = np.flatnonzero(labels == label)
        index = np.full(count, -1)
        index[own] = np.arange(len(own))
        disc = flatten(vertices[own], index[triangles[labels[triangles[:, 0]] == label]], circle)
        corner, side = ((0.0, 0.0), _LARGEST) if label == sizes.argmax() else corners[small.index(label)]
        uv[own] = np.asarray(corner) + side * (0.5 + 0.5 * _MARGIN * disc)
    return uv


def _squares(count: int) -> list[tuple[tuple[float, float], float]]:
    """Corners and sides of squares in the L that the largest one leaves."""
    side = 1 - _LARGEST
    while True:
        along, deep = int(1 / side), int((1 - _LARGEST) / side)
        places = [(a * side, _LARGEST + d * side) for d in range(deep) for a in range(along)]
        places += [(_LARGEST + d * side, a * side) for d in range(deep) for a in range(int(_LARGEST / side))]
        if len(places) >= count:
            return [(place, side) for place in places[:count]]
        side *= 0.9
