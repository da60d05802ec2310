"""The built-in head: what its controls do, measured on its mesh and its Gaussians."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from head_tools import lip_gap, vertices
from scipy.spatial import KDTree

from dgtalker_engine import avatar
from dgtalker_engine.avatar.kinds.linear.model import LinearAvatar, pose_reference
from dgtalker_engine.avatar.sparse import SparseDeltas
from dgtalker_engine.rig import ARKIT_NAMES, POSE_NAMES, SIDEWAYS_NAMES, mirrored

FLIP = np.array([-1.0, 1.0, 1.0])
NAME = avatar.BUILTIN_NAMES[0]
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def made_elsewhere(tmp_path_factory):
    """The same head from another process, which works while this one makes its own."""
    path = tmp_path_factory.mktemp("elsewhere") / "head.dgt"
    program = "import pathlib, sys, dgtalker_engine\n"
    program += f"dgtalker_engine.__path__.append({str(REPOSITORY / 'dgtalker_engine')!r})\n"
    program += "from dgtalker_engine.heads.sculpture.build import build_file\n"
    program += "pathlib.Path(sys.argv[2]).write_bytes(build_file(sys.argv[1]))"
    process = subprocess.Popen([sys.executable, "-I", "-c", program, NAME, str(path)])
    yield process, path
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def made(made_elsewhere, robin_file) -> bytes:
    return robin_file


@pytest.fixture(scope="module")
def head(made) -> LinearAvatar:
    loaded = avatar.load(made)
    assert isinstance(loaded, LinearAvatar)
    return loaded


def test_it_has_all_controls_and_says_whose_face_it_is(head, made):
    assert head.rig.names == ARKIT_NAMES + POSE_NAMES
    assert head.metadata.consent.status == "synthetic"
    assert head.metadata.licence == "CC0-1.0"
    assert 30_000 <= len(head.base["means"]) <= 60_000
    assert len(head.proxy.vertices) <= 12_000
    assert len(made) <= 6_000_000
    moved = np.abs(head.proxy.deltas[: len(head.rig.names)]).max(axis=(1, 2))
    assert moved.min() > 1e-3, f"{head.rig.names[moved.argmin()]} does nothing"


def test_real_proportions(head):
    size = np.ptp(vertices(head), axis=0)
    assert 150 < size[0] < 200
    rest = vertices(head)
    chin = rest[(np.abs(rest[:, 0]) < 5) & (rest[:, 1] < -70)][:, 2].min()
    assert 215 < rest[:, 2].max() - chin < 265
    assert rest[np.argmin(rest[:, 1])][2] < 0, "the nose is what stands out furthest towards -Y"


def test_making_it_again_gives_the_same_file(made, made_elsewhere):
    process, path = made_elsewhere
    assert process.wait() == 0
    assert path.read_bytes() == made


@pytest.mark.parametrize("cloud", ["mesh", "gaussians"])
def test_left_and_right_are_mirror_images(head, cloud):
    if cloud == "mesh":
        rest, deltas, correctives = head.proxy.vertices, head.proxy.deltas, head.proxy.correctives
    else:
        rest, correctives = head.base["means"], head.metadata.correctives
        deltas = head.deltas["means"].dense(len(rest))
    blocks = [(name,) for name in head.rig.names] + list(correctives)
    assert len(blocks) == len(deltas)
    place = {tuple(sorted(names)): i for i, names in enumerate(blocks)}
    distance, other = map(np.asarray, KDTree(rest * FLIP).query(rest, k=2))
    moving = np.abs(deltas[: len(ARKIT_NAMES)]).max(axis=(0, 2)) > 0
    # the file rounds places to a few micrometres
    paired = moving & (distance[:, 0] < 1e-5)
    assert paired.sum() > 0.95 * moving.sum()
    for i, names in enumerate(blocks):
        sign = (-1) ** sum(name in SIDEWAYS_NAMES for name in names)
        twins = sign * deltas[place[tuple(sorted(map(mirrored, names)))]][other[paired]] * FLIP
        error = np.linalg.norm(deltas[i][paired, None] - twins, axis=2)
        # where two points coincide at rest, as on the closed lips, either may be the mirror image
        error[distance[paired] > 1e-5] = np.inf
        assert error.min(axis=1).max() <= 1e-4, names


def test_left_is_towards_plus_x(head):
    for name in ("eyeBlinkLeft", "mouthSmileLeft", "browOuterUpLeft", "cheekSquintLeft", "noseSneerLeft"):
        weight = np.linalg.norm(head.proxy.deltas[head.rig.names.index(name)], axis=1)
        assert (weight * head.proxy.vertices[:, 0]).sum() / weight.sum() > 0.008, name


def test_the_jaw_opens_a_mouth_with_teeth_and_tongue(head):
    gap = lip_gap(head, jawOpen=1.0)
    assert gap.max() >= 20
    assert np.all(lip_gap(head) < 0.5)
    assert 0.4 < lip_gap(head, jawOpen=0.5).max() / gap.max() < 0.6


@pytest.mark.parametrize(
    ("name", "place", "direction"),
    [
        ("mouthSmileLeft", (24, -84, -60), (0.5, 0, 0.5)),
        ("mouthFrownLeft", (24, -84, -60), (0, 0, -1)),
        ("mouthStretchLeft", (24, -84, -60), (1, 0, 0)),
        ("mouthPucker", (24, -84, -60), (-1, -0.5, 0)),
        ("mouthUpperUpLeft", (9, -98, -60), (0, 0, 1)),
        ("mouthLowerDownLeft", (9, -98, -66), (0, 0, -1)),
        ("mouthLeft", (0, -98, -66), (1, 0, 0)),
        ("jawLeft", (0, -90, -95), (1, 0, 0)),
        ("jawForward", (0, -90, -95), (0, -1, 0)),
        ("browInnerUp", (10, -90, 32), (0, 0, 1)),
        ("browDownLeft", (16, -90, 32), (0, 0, -1)),
        ("browOuterUpLeft", (45, -75, 34), (0, 0, 1)),
        ("cheekPuff", (45, -70, -47), (1, -1, 0)),
        ("noseSneerLeft", (11, -98, -31), (0, 0, 1)),
        ("mouthShrugLower", (0, -97, -68), (0, -0.5, 1)),
    ],
)
def test_controls_move_the_face_the_way_arkit_says(head, name, place, direction):
    rest, posed = vertices(head), vertices(head, **{name: 1.0})
    near = np.argsort(np.linalg.norm(rest - place, axis=1))[:8]
    assert ((posed - rest)[near] @ np.array(direction)).max() > 2.0


def test_the_gaussians_move_like_the_mesh(head):
    tree = KDTree(head.proxy.vertices)
    weights = head.rig.weights({"jawOpen": 1.0, "mouthSmileLeft": 1.0, "browInnerUp": 1.0})
    chin = np.linalg.norm(head.base["means"] - np.array([0, -0.09, -0.09]), axis=1) < 0.02
    brow = np.linalg.norm(head.base["means"] - np.array([0.01, -0.09, 0.03]), axis=1) < 0.02
    moved = head.pose(weights).means.numpy() - head.base["means"]
    bent = vertices(head, jawOpen=1.0, mouthSmileLeft=1.0, browInnerUp=1.0) * 1e-3 - head.proxy.vertices
    mesh = bent[tree.query(head.base["means"])[1]]
    for region in (chin, brow):
        assert np.linalg.norm(moved - mesh, axis=1)[region].mean() < 0.0015


def test_pose_agrees_with_the_reference(head):
    rng = np.random.default_rng(4)
    count = len(head.rig.names)
    weights = (rng.random(count) * (rng.random(count) < 0.4)).astype("f4")
    fast, slow = head.pose(weights), pose_reference(head, weights)
    for name in ("means", "quats", "scales", "opacities", "sh"):
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), atol=1e-5)


def test_every_attribute_may_change(head):
    """Colours and opacities too, which the built-in head's controls leave alone; within their limits."""
    rng = np.random.default_rng(5)
    blocks = len(head.rig.names) + len(head.metadata.correctives)
    dense = {
        name: rng.normal(size=(blocks, len(base), base[0].size)) * (rng.random((blocks, len(base), 1)) < 0.02)
        for name, base in ((name, head.base[name][:700].reshape(700, -1)) for name in ("scales", "opacities", "sh"))
    }
    deltas = {name: SparseDeltas.from_dense(array, 0.0) for name, array in dense.items()}
    changed = replace(head, deltas={**head.deltas, **deltas})
    weights = rng.random(len(head.rig.names)).astype("f4")
    fast, slow = changed.pose(weights), pose_reference(changed, weights)
    for name in ("means", "quats", "scales", "opacities", "sh"):
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), atol=1e-5)
    assert float(fast.scales.min()) > 0
    assert (float(fast.opacities.min()), float(fast.opacities.max())) == (0.0, 1.0)
    assert not np.array_equal(fast.sh, head.base["sh"])
