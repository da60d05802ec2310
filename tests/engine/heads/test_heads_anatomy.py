"""The built-in head beside ICT-FaceKit, the mean of many scanned faces: every shape moves the same places the same way.

The data is not part of the repository; where it is absent the tests are left out.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dgtalker_engine import avatar
from dgtalker_engine.heads.sculpture.anatomy import EYE_CORNERS, LID_RADIUS, eye_point, lid_edges, slit_z
from dgtalker_engine.rig import ARKIT_NAMES

DATA = Path(os.environ.get("DGTALKER_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
WHOLE = ("cheekPuff", "browInnerUp")  # one shape here, two sides there
LESS_ALIKE = {"mouthPressLeft": 0.5, "eyeSquintLeft": 0.65}
"""Lips that press against one another thin out here, and there go forward; big eyes squint with both lids."""
GIVES_WAY = "mouthClose"  # without an open mouth, see `mouth_controls`
SHAPES = [name for name in ARKIT_NAMES if not name.endswith("Right") or name in ("jawRight", "mouthRight")]
SHAPES.remove("tongueOut")


@pytest.fixture(scope="module")
def scanned():
    """Vertices (V, 3) and shapes of ICT-FaceKit in this head's axes, millimetres, the face's skin, 68 landmarks."""
    path = DATA / "head" / "ict_facekit.npz"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    data = np.load(path, allow_pickle=True)
    axes = np.array([10.0, -10.0, 10.0])
    vertices = data["vertices"][:, [0, 2, 1]] * axes
    deltas = data["expression_deltas"].astype(float)[:, :, [0, 2, 1]] * axes
    names = [str(name).replace("_L", "Left").replace("_R", "Right") for name in data["expression_names"]]
    shapes = dict(zip(names, deltas, strict=True))
    for name in WHOLE:
        shapes[name] = shapes.pop(f"{name}Left") + shapes.pop(f"{name}Right")
    skin = np.unique(data["quads"][data["material"] == 0])
    return vertices, shapes, skin[skin >= 0], vertices[data["landmarks68"]]


@pytest.fixture(scope="module")
def regions(robin_file, scanned):
    """This head, and by region its vertices and the scan's: the left half and the middle."""
    head = avatar.load(robin_file)
    assert isinstance(head, avatar.LinearAvatar)
    own = 1e3 * head.proxy.vertices
    theirs, _, skin, marks = scanned
    moving = np.flatnonzero(np.abs(head.sculpted.deltas[: len(ARKIT_NAMES)]).max(axis=(0, 2)) > 1e-4)

    def front(points, rows, x, z):
        near = rows[np.hypot(points[rows, 0] - x, points[rows, 2] - z) < 6]
        return points[near[np.argmin(points[near, 1])]]

    def here(x, z):
        return front(own, moving, x, z)

    low, high = lid_edges(np.zeros(1))
    outer = eye_point(np.array([EYE_CORNERS[1] + 0.3]), np.zeros(1), LID_RADIUS)[0]
    pairs = {
        "inner brow": (here(13, 33), marks[22], 7),
        "brow": (here(30, 38), marks[24], 7),
        "outer brow": (here(50, 34), marks[26], 7),
        "nose": (here(0, -27), marks[30], 6),
        "wing": (np.array([11.5, -97, -31]), marks[35], 4),
        "upper lip": (here(0, -57), marks[51], 3),
        "upper lip beside": (here(10, -57.5), marks[52], 3),
        "upper lip outside": (here(17, -59), marks[53], 3),
        "corner": (np.array([24.5, -84, -60]), marks[54], 3),
        "lower lip": (here(0, -71), marks[57], 3),
        "lower lip beside": (here(9, -70.5), marks[56], 3),
        "lower lip outside": (here(16, -67), marks[55], 3),
        "chin": (here(0, -95), (marks[57] + marks[8]) / 2 + [0, -2, 0], 6),
        "below the chin": (here(0, -108), marks[8], 8),
        "jaw": (here(40, -88), marks[11], 9),
        "cheekbone": (here(42, -26), front(theirs, skin, 42, 8), 8),
        "cheek": (here(43, -46), front(theirs, skin, 43, -12), 8),
        "upper lid": (eye_point(np.zeros(1), high + 0.05, LID_RADIUS)[0], (marks[43] + marks[44]) / 2, 2.5),
        "lower lid": (eye_point(np.zeros(1), low - 0.05, LID_RADIUS)[0], (marks[46] + marks[47]) / 2, 2.5),
        "beside the eye": (outer, marks[45] + [6, 0, 0], 5),
    }

    def rows(points, among, place, radius):
        away = np.linalg.norm(points[among] - place, axis=1)
        return among[away < radius] if (away < radius).any() else among[np.argsort(away)[:2]]

    found = {}
    for name, (place, mark, radius) in pairs.items():
        mine = rows(own, moving, place, max(radius, 3.0))
        if "lip" in name:
            above = own[mine, 2] > slit_z(own[mine, 0])
            mine = mine[above] if name.startswith("upper") else mine[~above]
        found[name] = mine, rows(theirs, skin, mark, radius)
    return head, found


def moved(regions, scanned, name):
    """Mean displacements (regions, 3) here and there, millimetres, at full strength; without what joints turn."""
    head, found = regions
    blocks = [(name,) for name in head.rig.names] + list(head.metadata.correctives)
    delta = 1e3 * head.sculpted.deltas[[set(names) == {name} for names in blocks]].sum(axis=0)
    shape = scanned[1][name]
    return np.array([(delta[mine].mean(axis=0), shape[theirs].mean(axis=0)) for mine, theirs in found.values()])


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_move_the_places_that_they_move_on_real_faces(name, regions, scanned):
    ours, theirs = moved(regions, scanned, name).transpose(1, 0, 2)
    likeness = (ours * theirs).sum() / np.sqrt((ours**2).sum() * (theirs**2).sum())
    assert likeness >= LESS_ALIKE.get(name, 0.7)
    size = np.linalg.norm(ours) / np.linalg.norm(theirs)
    assert (0.05 if name == GIVES_WAY else 0.35) < size < 2.0


def test_each_shape_is_more_like_its_own_than_like_others(regions, scanned):
    """Pucker is no funnel, sneer no raised lip: the nearest shape of the scan is nearly always the one of that name."""
    ours = np.array([moved(regions, scanned, name)[:, 0].ravel() for name in SHAPES])
    theirs = np.array([moved(regions, scanned, name)[:, 1].ravel() for name in SHAPES])
    ours /= np.linalg.norm(ours, axis=1, keepdims=True)
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    nearest = (ours @ theirs.T).argmax(axis=1)
    other = {SHAPES[i]: SHAPES[n] for i, n in enumerate(nearest) if i != n}
    assert len(other) <= len(SHAPES) // 5, other
