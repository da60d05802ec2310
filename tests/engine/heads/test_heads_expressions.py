"""How the built-in head acts: what must close closes, what must stay apart does, on the way there too."""

from __future__ import annotations

import numpy as np
import pytest
from head_tools import lid_gap, lid_pairs, lip_gap, lip_pairs, vertices
from scipy.spatial import KDTree

from dgtalker_engine import avatar
from dgtalker_engine.heads.sculpture import mouth
from dgtalker_engine.heads.sculpture.anatomy import (
    EYE,
    EYE_CORNERS,
    EYE_RADIUS,
    LID_RADIUS,
    MOUTH_HALF_WIDTH,
    eye_point,
    lid_edges,
    slit_y,
    slit_z,
)
from dgtalker_engine.heads.sculpture.character import CHARACTERS
from dgtalker_engine.heads.sculpture.deform import CORRECTIVES, MIX, POSES, RIG, posed
from dgtalker_engine.heads.sculpture.deformation_fields import FieldPoints
from dgtalker_engine.heads.sculpture.surfels import Part
from dgtalker_engine.heads.sculpture.warp import Warp
from dgtalker_engine.speech import visemes

PART_WAYS = (0.25, 0.5, 0.75)


@pytest.fixture(scope="module")
def head(robin_file):
    return avatar.load(robin_file)


def test_a_blink_goes_all_the_way_in_even_steps(head):
    gaps = [lid_gap(head, eyeBlinkBoth=value).max() for value in (0.0, 0.5, 1.0)]
    assert gaps[0] > 12
    assert 0.35 < gaps[1] / gaps[0] < 0.65


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"eyeLookDownBoth": 1.0},
        {"eyeLookUpBoth": 1.0},
        {"eyeSquintBoth": 1.0},
        {"eyeWideBoth": 1.0},
        {"cheekSquintBoth": 1.0},
        {"mouthSmileBoth": 1.0},
        {"gazeUp": -1.0},
        {"gazeUp": 1.0},
        {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
        {"mouthSmileBoth": 1.0, "cheekSquintBoth": 1.0},
        {"eyeSquintBoth": 0.5, "eyeLookDownBoth": 0.5},
    ],
)
def test_a_blink_closes_the_eye_whatever_else_the_lids_do(head, beside):
    assert lid_gap(head, eyeBlinkBoth=1.0, **beside).max() <= 0.3


@pytest.mark.parametrize(
    "name", ["eyeBlinkBoth", "eyeSquintBoth", "eyeLookDownBoth", "eyeLookUpBoth", "eyeWideBoth", "cheekSquintBoth"]
)
def test_lids_stay_in_front_of_the_eyeball(head, name):
    edges = np.concatenate(lid_pairs(head))
    for strength in (*PART_WAYS, 1.0):
        for blink in {} if name == "eyeBlinkBoth" else (0.0, 0.5, 1.0):
            posed = vertices(head, eyeBlinkBoth=blink, **{name: strength})
            assert np.linalg.norm(posed[edges] - EYE, axis=1).min() > EYE_RADIUS
    for strength in (*PART_WAYS, 1.0):
        posed = vertices(head, eyeBlinkBoth=strength)
        assert np.linalg.norm(posed[edges] - EYE, axis=1).min() > EYE_RADIUS


@pytest.mark.parametrize("strength", [1.0, *PART_WAYS])
def test_mouth_close_shuts_the_lips_while_the_jaw_is_open(head, strength):
    assert np.abs(lip_gap(head, jawOpen=strength, mouthClose=strength)).max() <= 0.5


@pytest.mark.parametrize("name", sorted(CHARACTERS))
def test_mouth_and_eyes_of_every_character_close(name):
    warp = Warp(CHARACTERS[name].shape)

    def closed(
        first: np.ndarray, second: np.ndarray, sides: tuple[float, float], poses: list[dict[str, float]]
    ) -> float:
        """The widest gap in height between two lines that meet, in any of the poses."""
        line = np.concatenate([first, second])
        side = np.repeat(sides, (len(first), len(second)))
        points = FieldPoints(line, line, np.full(len(line), int(Part.SKIN)), side)
        rest = warp.move(line)
        deltas = np.tensordot(MIX, np.stack([warp.move(line + posed(pose, points)) - rest for pose in POSES]), 1)
        gaps = []
        for pose in poses:
            weights = RIG.weights(pose)
            products = [np.prod([weights[RIG.names.index(factor)] for factor in names]) for names in CORRECTIVES]
            place = rest + np.tensordot(np.concatenate([weights, products]), deltas, 1)
            gaps.append((place[: len(first), 2] - place[len(first) :, 2]).max())
        return max(gaps)

    x = np.linspace(-MOUTH_HALF_WIDTH, MOUTH_HALF_WIDTH, 41)
    lips = np.stack([x, slit_y(x), slit_z(x)], axis=1)
    shut = [{"jawOpen": part, "mouthClose": part} for part in (*PART_WAYS, 1.0)]
    assert closed(lips, lips, (1.0, 0.0), shut) <= 1.0
    azimuth = np.linspace(*EYE_CORNERS, 41)[1:-1]
    sides = zip(lid_edges(azimuth), (-1e-4, 1e-4), strict=True)
    low, high = (eye_point(azimuth, edge + skin, LID_RADIUS) for edge, skin in sides)
    beside = ("eyeLookDownLeft", "eyeLookUpLeft", "eyeSquintLeft", "mouthSmileLeft", "cheekSquintLeft")
    blinks = [{"eyeBlinkLeft": 1.0}, *({"eyeBlinkLeft": 1.0, other: 1.0} for other in beside)]
    assert closed(high, low, (np.nan, np.nan), blinks) <= 0.3


@pytest.mark.parametrize(
    ("beside", "widest"), [({}, 2.0), ({"jawOpen": 0.15}, 2.0), ({"jawOpen": 1.0}, 1.0), ({"mouthPucker": 1.0}, 2.0)]
)
def test_a_funnel_is_an_o(head, beside, widest):
    """Neither a grin nor a slit, whatever rounds and opens the mouth besides."""
    upper, lower = lip_pairs(head)
    posed = vertices(head, mouthFunnel=1.0, **beside)
    gap = posed[upper, 2] - posed[lower, 2]
    width = 2 * posed[upper[gap > 1.0], 0].max()
    assert 0.4 < width / gap.max() < widest
    assert gap.max() > 8
    assert vertices(head)[upper[0], 1] - posed[upper[0], 1] > 4, "the lips come forwards"


def test_a_funnel_parts_the_teeth_and_leaves_them_in_shade(head):
    means = 1e3 * head.base["means"]
    rest, funnel = (head.pose(head.rig.weights({"mouthFunnel": value})) for value in (0.0, 1.0))
    moved = 1e3 * (funnel.means - rest.means).numpy()[:, 2]
    white = np.asarray(rest.sh)[:, 0].min(axis=1) > 0.6
    front = white & (np.linalg.norm((means - [0, -89, -64]) / [8, 4, 10], axis=1) < 1)
    upper, lower = front & (means[:, 2] > -64), front & (means[:, 2] < -68)
    assert min(upper.sum(), lower.sum()) > 40
    assert np.abs(moved[upper]).max() < 0.5
    assert moved[lower].mean() < -4
    assert (np.asarray(funnel.sh)[:, 0] - np.asarray(rest.sh)[:, 0])[front].max() < -0.5


def test_mouth_close_leaves_the_jaw_where_it_is(head):
    rest = vertices(head)
    chin = np.argmin(np.linalg.norm(rest - [0, -88, -100], axis=1))
    assert vertices(head, jawOpen=1.0, mouthClose=1.0)[chin, 2] < rest[chin, 2] - 12
    assert np.abs(lip_gap(head, mouthClose=1.0)).max() < 6, "without an open mouth it only presses"


@pytest.mark.parametrize("jaw", [0.0, 0.05])
def test_press_and_roll_close_the_lips(head, jaw):
    pressed = {"mouthRollLower": 0.8, "mouthRollUpper": 0.8, "mouthPressBoth": 0.5}
    assert lip_gap(head, jawOpen=jaw, **pressed).max() <= (0.1 if jaw == 0 else 0.6)
    assert lip_gap(head, jawOpen=jaw, mouthClose=jaw, **pressed).max() <= 0.1


@pytest.mark.parametrize("phone", sorted(visemes.TARGETS))
def test_lips_stay_in_front_of_the_teeth_while_it_speaks(head, phone):
    rest = vertices(head)
    warp = Warp(CHARACTERS[avatar.BUILTIN_NAMES[0]].shape)
    tree = KDTree(rest)
    rows = []
    for above in (True, False):
        surfels = mouth.teeth(above, 1.7, 1.7).both_sides()
        away, index = tree.query(warp.move(surfels.position, surfels.part))
        assert np.max(away) < 0.05
        front = surfels.normal[:, 1] < -0.6
        rows.append(np.asarray(index)[front])
    names = head.rig.names
    weights = visemes.TARGETS[phone] @ visemes.arkit_matrix(names)
    posed = vertices(head, **dict(zip(names, np.minimum(weights, 1.0), strict=True)))
    near = (np.abs(rest[:, 0]) < 16) & (np.abs(rest[:, 2] - slit_z(rest[:, 0])) < 9) & (rest[:, 1] < -93)
    lips = posed[np.flatnonzero(near)]
    assert len(lips) > 40
    for teeth in map(posed.__getitem__, rows):
        away, index = KDTree(teeth[:, [0, 2]]).query(lips[:, [0, 2]])
        over = np.asarray(away) < 1.2
        assert np.all(lips[over, 1] < teeth[np.asarray(index)[over], 1]), phone


@pytest.mark.parametrize(
    "names", [("jawOpen",), ("eyeBlinkBoth",), ("jawOpen", "mouthClose"), ("jawOpen", "mouthPucker")]
)
def test_nothing_is_pinched_on_the_way(head, names):
    """No part of the face shrinks on the way to less than it has at both ends."""
    faces = head.proxy.faces
    triangles = np.concatenate([faces[:, :3], faces[faces[:, 3] >= 0][:, [0, 2, 3]]])
    rest = vertices(head)
    middle = rest[triangles].mean(axis=1)
    triangles = triangles[(middle[:, 1] < -60) & (middle[:, 2] < 40)]

    def areas(strength):
        a, b, c = vertices(head, **dict.fromkeys(names, strength))[triangles].transpose(1, 0, 2)
        return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2

    ends = np.minimum(areas(0.0), areas(1.0))
    for strength in PART_WAYS:
        shrunk = areas(strength) < 0.4 * ends - 0.05
        assert shrunk.mean() < 0.005, strength


def test_colours_follow_the_face(head):
    def colours(**values):
        return np.asarray(head.pose(head.rig.weights(values)).sh)[:, 0]

    means = 1e3 * head.base["means"]
    rest = colours()

    def change(place, radius, **values):
        near = np.linalg.norm(means - place, axis=1) < radius
        return (colours(**values) - rest)[near].mean(axis=0)

    assert change((29, -87, -45), 5, mouthSmileLeft=1.0).mean() < -0.1, "the fold beside the mouth darkens"
    assert change((0, -40, -64), 14, jawOpen=1.0).mean() < 0, "it is dark behind the teeth"
    lips = change((10, -98, -67), 5, mouthPressLeft=1.0)
    assert lips[1:].min() > 0.04, "pressed lips are pale"
    cheek = change((46, -70, -44), 10, cheekPuff=1.0)
    assert cheek[1] < cheek[0], "puffed cheeks are red"
