"""Correctives, joints and small numbers of kind `linear`: posed as docs/dgt.md says, kept by a file, checked."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
from made_avatars import LATENTS, NOD, ROWS, TURN, VERTICES, WEIGHTS, linear_head
from scipy.spatial.transform import Rotation

from dgtalker_engine import avatar
from dgtalker_engine.avatar import dgt, numbers, sparse
from dgtalker_engine.avatar.kinds.linear.model import LinearAvatar, pose_reference
from dgtalker_engine.avatar.sparse import SparseDeltas
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians.cloud import FIELDS


@pytest.fixture(scope="module")
def head() -> LinearAvatar:
    return linear_head()


def assert_alike(fast, slow, tolerance=3e-6):
    for name in FIELDS:
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), atol=tolerance, err_msg=name)


@pytest.mark.parametrize("latents", [None, LATENTS])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_pose_agrees_with_the_reference(latents, weights):
    head, weights = linear_head(latents=latents), np.array(weights, "f4")
    assert_alike(head.pose(weights), pose_reference(head, weights))


def test_latents_follow_the_weights_where_they_were_seen_and_vanish_far_from_there():
    head, bare = linear_head(latents=LATENTS), linear_head(latents=replace(LATENTS, reach=1e-6))
    moves = head.deltas["means"].dense(ROWS)

    def latent(*weights):
        added = head.pose(np.array(weights, "f4")).means - bare.pose(np.array(weights, "f4")).means
        return np.linalg.lstsq(moves[7:].reshape(2, -1).T, added.numpy().ravel(), rcond=None)[0]

    np.testing.assert_allclose(latent(0.1, 0, 0, 0), 0.9 * np.tanh(np.array([0.35, -0.14]) / 0.9), atol=1e-5)
    assert 0 < latent(0.95, 0, 0, 0)[0] < 0.3
    np.testing.assert_allclose(latent(1, -1, 0, 0), 0, atol=1e-7)


def test_a_file_keeps_latents_and_says_in_its_version_that_it_has_them():
    data = avatar.pack(linear_head(latents=LATENTS))
    assert avatar.load(data).metadata.latents == LATENTS
    assert [json.loads(dgt.read_header(each)[0])["format_version"] for each in (data, avatar.pack(linear_head()))] == [
        3,
        2,
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"bound": 0.0},
        {"reach": -1.0},
        {"offset": [0.0]},
        {"offset": []},
        {"linear": [[1.0, 2.0]]},
        {"linear": [[1e300, 0.0]] * 4},
        {"bound": 1e999},
        {"bound": 1e-60},
        {"reach": 1e-200},
        {"reach": 10**400},
    ],
)
def test_latents_that_do_not_fit_the_rig_are_refused(change):
    document = replace(linear_head(latents=LATENTS).metadata, format_version=3).to_json()
    document["latents"] |= change
    with pytest.raises(DGTalkerError, match="document"):
        avatar.Metadata.from_json(document)


def test_correctives_count_with_the_product_of_their_controls(head):
    weights = np.array([0.5, 0.8, 0, 0], "f4")
    moves = head.deltas["means"].dense(ROWS)
    wanted = head.base["means"] + 0.5 * moves[0] + 0.8 * moves[1] + 0.4 * moves[4] + 0.25 * moves[5]
    np.testing.assert_allclose(head.pose(weights).means, wanted, atol=1e-6)


def test_joints_turn_what_is_posed_by_the_share_of_each_gaussian(head):
    weights = np.array([1, 0, 0.6, -0.5], "f4")
    straight = head.pose(weights * [1, 0, 0, 0]).means.numpy() - head.metadata.joints[0].pivot
    vector = 0.6 * np.array(TURN) - 0.5 * np.array(NOD)
    turns = Rotation.from_rotvec(head.joint_weights[0][:, None] / 255 * vector)
    wanted = turns.apply(straight) + head.metadata.joints[0].pivot
    moves = head.deltas["means"].dense(ROWS)
    turned = head.pose(weights).means.numpy()
    # controls of a joint may have deltas, too: here they do, before the turn
    wanted += turns.apply(0.6 * moves[2] - 0.5 * moves[3])
    np.testing.assert_allclose(turned, wanted, atol=2e-6)


def test_a_rigid_turn_keeps_the_size(head):
    whole = replace(head, deltas={}, joint_weights=np.full((1, ROWS), 255, np.uint8))
    rest, turned = (whole.pose(np.array([0, 0, turn, 0.5 * turn], "f4")).means.numpy() for turn in (0, 1))
    np.testing.assert_allclose(np.linalg.norm(turned[1:] - turned[:-1], axis=1),
                               np.linalg.norm(rest[1:] - rest[:-1], axis=1), atol=1e-6)  # fmt: skip


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_the_proxy_turns_with_the_gaussians(head, strength):
    """A mesh has no joints; its shapes do almost the same."""
    mesh = head.proxy
    weights = np.array([0, 0, strength, -strength], "f4")
    products = [np.prod([weights[head.rig.names.index(name)] for name in names]) for names in mesh.correctives]
    moved = mesh.vertices + np.tensordot(np.concatenate([weights, products]), mesh.deltas, 1)
    small = {name: array[:VERTICES] for name, array in head.base.items()} | {"means": mesh.vertices}
    shapes = {"means": SparseDeltas.from_dense(head.sculpted.deltas, 0)}
    same = replace(head, base=small, deltas=shapes, joint_weights=head.proxy_joint_weights)
    posed = same.pose(weights).means.numpy()
    assert np.linalg.norm(moved - posed, axis=1).max() < 0.006
    assert np.linalg.norm(mesh.vertices - posed, axis=1).max() > 0.015


def test_a_file_keeps_everything(head):
    data = avatar.pack(head)
    again = avatar.load(data)
    assert isinstance(again, LinearAvatar)
    assert again.metadata == replace(head.metadata, hash=again.metadata.hash)
    weights = np.array([0.7, 0.6, -0.8, 0.3], "f4")
    posed, wanted = again.pose(weights), head.pose(weights)
    assert np.linalg.norm(posed.means - wanted.means, axis=1).mean() < 5e-4, "random deltas of 10 mm share one scale"
    assert_alike(posed, wanted, 0.03)
    np.testing.assert_allclose(again.proxy.deltas, head.proxy.deltas, atol=2e-4)
    assert again.proxy.correctives == head.proxy.correctives
    assert again.proxy.surfaces.tolist() == [0, 4]


def test_smooth_deltas_lose_less_than_a_fiftieth_of_a_millimetre():
    rng = np.random.default_rng(1)
    place = rng.uniform(-0.1, 0.1, (20_000, 3))
    moves = 0.025 * np.exp(-((np.linalg.norm(place, axis=1) / 0.06) ** 2))[:, None] * np.sin(place * 20)
    deltas = SparseDeltas.from_dense(moves[None], 1e-5)
    again = sparse.read(sparse.write("d", deltas, len(place)), "d", len(place))
    error = np.linalg.norm(again.dense(len(place)) - deltas.dense(len(place)), axis=2)
    assert error.mean() < 2e-5
    assert error.max() < 2e-4


def test_small_numbers_by_the_book():
    """I8 with a scale and an offset for every 64 rows, laid out by hand."""
    doc = {"format_version": 2, "kind": "linear", "name": "Hand", "licence": "", "rig": [
        {"name": "a", "group": "lip", "minimum": 0, "maximum": 1, "default": 0}],
        "consent": {"subject": "", "scope": "", "granted_by": "", "date": "", "status": "synthetic"},
        "correctives": [{"controls": ["a", "a"]}]}  # fmt: skip
    rows = 70
    arrays = {
        "means": np.arange(rows * 3).reshape(rows, 3).astype("i2"),
        "means.scale": np.array([[1, 1, 1], [0.5, 0.5, 2]], "f4"),
        "means.offset": np.array([[0, 0, 10], [0, 1, 0]], "f2"),
        "quats": np.tile(np.array([127, 0, 0, 0], "i1"), (rows, 1)),
        "quats.scale": np.full((2, 4), 1 / 127, "f4"),
        "quats.offset": np.zeros((2, 4), "f2"),
        "scales": np.ones((rows, 3), "f2"),
        "opacities": np.ones(rows, "f4"),
        "sh": np.zeros((rows, 1, 3), "f2"),
        "sh.rest.index": np.array([5, 2], "u4"),
        "sh.rest.value": np.ones((2, 8, 3), "f2") * np.array([[[1]], [[2]]], "f2"),
        "delta.means.offsets": np.array([0, 1, 2], "u4"),
        "delta.means.index": np.array([3, 3], "u2"),
        "delta.means.value": np.array([[1, 2, 3], [-4, 0, 0]], "i1"),
        "delta.means.value.scale": np.full((1, 3), 2, "f2"),
        "delta.means.value.offset": np.full((1, 3), 0.5, "f2"),
        "proxy.vertices": np.zeros((3, 3), "f4"),
        "proxy.faces": np.array([[0, 1, 2, -1]], "i2"),
        "proxy.uv": np.zeros((3, 2), "f2"),
        "proxy.colours": np.ones((3, 4), "f2"),
        "proxy.delta.offsets": np.zeros(3, "u4"),
        "proxy.delta.index": np.zeros(0, "u2"),
        "proxy.delta.value": np.zeros((0, 3), "f4"),
    }
    doc["hash"] = dgt.content_hash(doc, arrays)
    head = avatar.load(safetensors.numpy.save(arrays, metadata={"dgt": json.dumps(doc)}))
    posed = head.pose(np.array([0.5], "f4"))
    assert posed.means[2].tolist() == [6, 7, 18]
    assert posed.means[65].tolist() == [195 * 0.5, 196 * 0.5 + 1, 197 * 2]
    np.testing.assert_allclose(posed.means[3], [8.375, 12.375, 24.375])
    assert posed.sh.shape == (rows, 9, 3)
    assert posed.sh[5, 1:].unique().tolist() == [1]
    assert posed.sh[2, 1:].unique().tolist() == [2]
    assert float(posed.sh[:, 1:].abs().sum()) == 3 * 8 * 3
    assert head.proxy.correctives == (("a", "a"),)
    assert head.proxy.surfaces.tolist() == [0], "skin, where the file does not say"


@pytest.mark.parametrize("shape", [(1, 3), (64, 3), (65, 1), (200, 3, 4), (0, 3)])
@pytest.mark.parametrize(("dtype", "steps"), [("I8", 127), ("I16", 32767)])
def test_numbers_come_back_within_half_a_step(shape, dtype, steps):
    array = np.random.default_rng(3).normal(size=shape).astype("f4")
    array[:1] = 0.25
    again = numbers.read(numbers.write("x", array, dtype), "x")
    assert again.shape == shape
    assert again.dtype == np.float32
    np.testing.assert_allclose(again, array, atol=0.6 * np.ptp(array) / 2 / steps if array.size else 0)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"correctives": [{"controls": ["jawOpen"]}]}, "a corrective has 2 to 4"),
        ({"correctives": [{"controls": ["jawOpen"] * 5}]}, "a corrective has 2 to 4"),
        ({"correctives": [{"controls": ["jawOpen", "nothing"]}]}, "a corrective has 2 to 4"),
        ({"correctives": [{"controls": "ab"}]}, "a corrective has 2 to 4"),
        ({"correctives": ["jawOpen"]}, "cannot be read"),
        ({"correctives": [{"controls": ["jawOpen", "jawOpen"]}] * 1021}, "controls and correctives are at most 1024"),
        ({"joints": [{"pivot": [0, 0, 0], "turns": {"nothing": [1, 0, 0]}}]}, "turned by 'nothing'"),
        ({"joints": [{"pivot": [0, 0], "turns": {}}]}, "cannot be read"),
        ({"joints": [{"pivot": [0, 0, float("nan")], "turns": {}}]}, "not finite"),
        ({"joints": [{"pivot": [0, 0, 10**400], "turns": {}}]}, "too large"),
        ({"joints": [{"pivot": [0, 0, 0], "turns": {"jawOpen": [1e300, 0, 0]}}]}, "exceeds"),
        ({"joints": [{"pivot": [0, 0, 0], "turns": {}}] * 17}, "17 joints"),
        ({"correctives": [{"controls": ["jawOpen", "jawOpen"]}]}, "offsets is U32 8; U32 6"),
        ({"joints": [{"pivot": [0, 0, 0], "turns": {}}] * 2}, "joint.weights is U8 1×700; U8 2×700"),
    ],
)
def test_impossible_documents_are_refused(head, document, message):
    data = avatar.pack(head)
    kept = {**head.metadata.to_json(), **document}
    with pytest.raises(DGTalkerError, match=message):
        avatar.load(dgt.dump(kept, safetensors.numpy.load(data)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sh.rest.index": np.full(90, ROWS, "u2")}, f"sh.rest.index points at row {ROWS}"),
        ({"sh.rest.value": np.zeros((90, 4, 3), "f2")}, "5 spherical harmonics"),
        ({"means.scale": np.full((11, 3), 3e38, "f4")}, "means holds values that are not finite"),
        ({"means.scale": np.zeros((3, 3), "f4")}, "means.scale is F32 3×3; F16 or F32 11×3"),
        ({"delta.sh.value": np.zeros((4, 5), "f2")}, "delta.sh.value"),
        ({"proxy.surfaces": np.zeros(3, "u1")}, "proxy.surfaces is U8 3; U8 2"),
        ({"proxy.joint.weights": np.zeros((1, 3), "u1")}, "proxy.joint.weights"),
        ({"joint.weights": None}, "no tensor joint.weights"),
        ({"quats.offset": None}, "no tensor quats.offset"),
    ],
)
def test_impossible_tensors_are_refused(head, change, message):
    arrays = safetensors.numpy.load(avatar.pack(head)) | change
    with pytest.raises(DGTalkerError, match=message):
        avatar.load(dgt.dump(head.metadata.to_json(), {k: v for k, v in arrays.items() if v is not None}))


def test_colours_of_degree_0_alone_may_change(head):
    """Where the colour depends on the direction of view, a control may still add three numbers only."""
    dense = np.random.default_rng(8).normal(size=(7, ROWS, 3)) * 0.1
    changed = replace(head, deltas={"sh": SparseDeltas.from_dense(dense, 0.05)})
    weights = np.array([0.5, 1, 0, 0], "f4")
    assert_alike(changed.pose(weights), pose_reference(changed, weights))
    again = avatar.load(avatar.pack(changed))
    np.testing.assert_allclose(again.pose(weights).sh, changed.pose(weights).sh, atol=0.02)
    assert not np.array_equal(changed.pose(weights).sh[:, 0], head.base["sh"][:, 0])
