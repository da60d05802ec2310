"""What the tests of the built-in head share: its mesh in millimetres, and how far its lips and lids are apart."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from dgtalker_engine.heads.sculpture.anatomy import (
    EYE_CORNERS,
    LID_RADIUS,
    MOUTH_HALF_WIDTH,
    eye_point,
    lid_edges,
    slit_y,
    slit_z,
)


def vertices(head, **values):
    """The proxy's vertices in millimetres; a name ending in `Both` means left and right."""
    weights = {}
    for name, value in values.items():
        names = [name[:-4] + "Left", name[:-4] + "Right"] if name.endswith("Both") else [name]
        weights |= dict.fromkeys(names, value)
    assert set(weights) <= set(head.rig.names)
    rig_weights = head.rig.weights(weights)
    by_name = dict(zip(head.rig.names, rig_weights, strict=True))
    products = [np.prod([by_name[name] for name in names]) for names in head.proxy.correctives]
    every = np.concatenate([rig_weights, products])
    return 1e3 * (head.proxy.vertices + np.tensordot(every, head.proxy.deltas, 1))


def lip_pairs(head):
    """Indices of the vertices of the upper and of the lower lip that touch at rest, along the inner mouth."""
    rest = vertices(head)
    opened = vertices(head, jawOpen=1.0)
    x = np.linspace(0, 0.93 * MOUTH_HALF_WIDTH, 15)
    line = np.stack([x, slit_y(x), slit_z(x)], axis=1)
    pairs = []
    for place in line:
        near = np.flatnonzero(np.linalg.norm(rest - place, axis=1) < 1.2)
        near = near[np.argsort(opened[near, 2])]
        if len(near) >= 2:
            pairs.append((near[-1], near[0]))
    assert len(pairs) >= 10
    return np.array(pairs).T


def lip_gap(head, **values):
    upper, lower = lip_pairs(head)
    posed = vertices(head, **values)
    return posed[upper, 2] - posed[lower, 2]


def lid_pairs(head):
    """Indices of the vertices on the edges of the left eye's upper and lower lid, from corner to corner."""
    azimuth = np.linspace(EYE_CORNERS[0] * 0.97, EYE_CORNERS[1] * 0.97, 31)
    low, high = lid_edges(azimuth)
    tree = KDTree(vertices(head))
    return tree.query(eye_point(azimuth, high, LID_RADIUS))[1], tree.query(eye_point(azimuth, low, LID_RADIUS))[1]


def lid_gap(head, **values):
    upper, lower = lid_pairs(head)
    posed = vertices(head, **values)
    return posed[upper, 2] - posed[lower, 2]
