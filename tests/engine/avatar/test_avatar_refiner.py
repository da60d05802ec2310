"""The refiner of an avatar: what it says follows from the line of sight alone, fades where nobody knows, and is kept in
its file."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
import torch
from made_avatars import linear_head, refiner
from scipy.spatial.transform import Rotation

from dgtalker_engine import avatar
from dgtalker_engine.avatar import dgt
from dgtalker_engine.avatar.refiner import Sight
from dgtalker_engine.avatar.refiner import file as refiners
from dgtalker_engine.avatar.refiner.network import BOUND, CHANNELS, RefinerNetwork
from dgtalker_engine.avatar.refiner.portrait import SIDE
from dgtalker_engine.avatar.refiner.refining import carried
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import Camera
from dgtalker_engine.gaussians.constants import SH_C0
from dgtalker_engine.gaussians.placement import placement_of

REST = {"jawOpen": 0.2}
BEFORE = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 1.2], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def head():
    return replace(linear_head(), refiner=refiner())


def camera(matrix=BEFORE, focal=300.0, orthographic=False):
    K = np.array([[focal, 0, 64], [0, focal, 64], [0, 0, 1]])
    return Camera(K=K, world_to_camera=matrix, width=128, height=128, orthographic=orthographic)


def seen_from(seen_by, matrix=None):
    return Sight.of(placement_of(np.eye(4) if matrix is None else matrix, seen_by))


def around(degrees):
    matrix = BEFORE.copy()
    matrix[:3, :3] = BEFORE[:3, :3] @ Rotation.from_euler("z", degrees, degrees=True).as_matrix()
    return matrix


def change(head, weights=REST, sight=None):
    cloud = head.pose(head.rig.weights(weights))
    refined = head.refiner.refined(cloud, weights, sight or seen_from(camera()))
    return (refined.sh - cloud.sh)[:, 0] * SH_C0


def test_colours_change_and_nothing_else_does(head):
    cloud = head.pose(head.rig.weights(REST))
    refined = head.refiner.refined(cloud, REST, seen_from(camera()))
    for name in ("means", "quats", "scales", "opacities"):
        assert torch.equal(getattr(refined, name), getattr(cloud, name))
    assert torch.equal(refined.sh[:, 1:], cloud.sh[:, 1:])
    moved = (refined.sh - cloud.sh)[:, 0] * SH_C0
    assert 0.01 < moved.abs().max() <= BOUND + 1e-6


def test_a_network_that_has_learned_nothing_changes_nothing(head):
    untrained = replace(head.refiner, network=RefinerNetwork(4).eval())
    cloud = head.pose(head.rig.weights(REST))
    assert torch.equal(untrained.refined(cloud, REST, seen_from(camera())).sh, cloud.sh)


def test_neither_size_nor_place_nor_tilt_in_the_picture_counts(head):
    wanted = change(head)
    tilted = np.eye(4)
    tilted[:3, :3] = Rotation.from_euler("z", 70, degrees=True).as_matrix()
    placed = np.eye(4)
    placed[:3, :3], placed[:3, 3] = 3 * Rotation.from_euler("xyz", (20, 50, 80), degrees=True).as_matrix(), (4, 5, 6)
    in_world = BEFORE @ np.linalg.inv(placed)
    in_world[:3] *= 3  # a head three times as large, seen from three times as far
    for each in (
        seen_from(camera(focal=5000.0)),
        seen_from(camera(tilted @ BEFORE)),
        seen_from(camera(in_world), placed),
    ):
        np.testing.assert_allclose(change(head, sight=each), wanted, atol=2e-3)


def test_a_parallel_camera_sees_what_one_from_far_away_sees(head):
    far = BEFORE.copy()
    far[2, 3] = 200
    parallel = change(head, sight=seen_from(camera(orthographic=True)))
    assert parallel.abs().max() > 0.01
    np.testing.assert_allclose(change(head, sight=seen_from(camera(far))), parallel, atol=0.03)


def test_a_head_that_its_controls_turn_is_looked_at_as_if_the_camera_went_round(head):
    weights = head.rig.weights({"headTurn": 0.6})
    turn = Rotation.from_rotvec(weights @ head.metadata.joints[0].vectors(head.rig)).as_matrix()
    placement = placement_of(np.eye(4), camera())
    turned = Sight.of_avatar(placement, head.metadata, weights)
    pivot = np.array(head.metadata.joints[0].pivot)
    np.testing.assert_allclose(turned.eye, pivot + turn.T @ (placement.eye - pivot))
    portrait = turned.portrait(head.refiner.window)
    middle = pivot + turn @ (head.refiner.window.centre - pivot)
    seen = portrait.K @ (portrait.world_to_camera @ [*middle, 1])[:3]
    np.testing.assert_allclose(seen[:2] / seen[2], SIDE / 2)


def test_a_correction_is_read_where_gaussians_are_seen():
    across, down = np.meshgrid(np.arange(128) + 0.5, np.arange(128) + 0.5)
    ramps = torch.from_numpy(np.stack([across, down, across + down]).astype(np.float32))
    means = np.random.default_rng(2).uniform(-0.15, 0.15, (50, 3))
    for each in (camera(), camera(focal=250.0, orthographic=True)):
        points = means @ BEFORE[:3, :3].T + BEFORE[:3, 3]
        x, y = (each.K[0, 0] * points[:, :2] / (1 if each.orthographic else points[:, 2:]) + 64).T
        found = carried(ramps, torch.from_numpy(means.astype(np.float32)), each)
        np.testing.assert_allclose(found, np.stack([x, y, x + y], axis=1), atol=1e-2)


def test_it_fades_where_it_was_not_trained(head):
    strengths = [
        head.refiner.reach.at(weights, seen_from(camera(matrix)), head.refiner.window)
        for weights, matrix in (
            ({"jawOpen": 0.5, "mouthClose": 9.0}, BEFORE),
            ({"jawOpen": 0.75}, BEFORE),
            ({"jawOpen": 1.0}, BEFORE),
            (REST, around(-12)),
            (REST, around(20)),
        )
    ]
    assert strengths[0] == pytest.approx(1)
    assert 0.1 < strengths[1] < 0.9
    assert strengths[2] == 0
    assert 0 < strengths[3] < 1
    assert strengths[4] == 0
    cloud = head.pose(head.rig.weights({"jawOpen": 1.0}))
    assert head.refiner.refined(cloud, {"jawOpen": 1.0}, seen_from(camera())) is cloud
    close = BEFORE.copy()
    close[2, 3] = 0.3
    assert head.refiner.reach.at(REST, seen_from(camera(close)), head.refiner.window) == 0


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_bitwise_the_same_for_any_number_of_threads(head, threads):
    usual = torch.get_num_threads()
    wanted = change(head)
    torch.set_num_threads(threads)
    try:
        assert torch.equal(change(head), wanted)
    finally:
        torch.set_num_threads(usual)


def test_a_file_keeps_it(head):
    data = avatar.pack(head)
    again = avatar.load(data)
    np.testing.assert_allclose(change(again), change(replace(again, refiner=head.refiner)), atol=2e-3)
    assert again.refiner.reach.ranges == head.refiner.reach.ranges
    written, rewritten = refiners.write(again.refiner), refiners.write(avatar.load(avatar.pack(again)).refiner)
    assert all(np.array_equal(written[name], rewritten[name]) for name in written)
    assert avatar.load(avatar.pack(replace(head, refiner=None))).refiner is None


def about(**changes):
    own = json.loads(refiners.write(refiner())["refiner.about"].tobytes())
    return np.frombuffer(json.dumps({**own, **changes}).encode(), np.uint8)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"about": None}, "no tensor refiner.about"),
        ({"about": np.frombuffer(b"{", np.uint8)}, "cannot be read"),
        ({"about": about(format="dgtalker refiner 2")}, "unknown format"),
        ({"about": about(radius=0)}, "no head"),
        ({"about": about(centre=[0, 0, float("nan")])}, "not finite"),
        ({"about": about(ranges={"jawOpen": [0]})}, "cannot be read"),
        ({"about": about(ranges={"jawOpen": [0, 10**400]})}, "too large"),
        ({"about": np.zeros(40_000, np.uint8)}, "bytes about a refiner"),
        ({"directions": np.zeros((2, 3), "f4")}, "not of length 1"),
        ({"directions": np.ones((300, 3), "f4")}, "directions of a refiner"),
        ({"network.enter.bias": np.zeros(5, "f2")}, "refiner.network.enter.weight"),
        ({"network.enter.bias": np.zeros(400, "f2")}, "channels of a refiner"),
        ({"network.leave.weight": None}, "no tensor refiner.network.leave.weight"),
        ({"network.fine.weight": np.full((4, 4, 3, 3), np.inf, "f2")}, "not finite"),
        ({"network.more": np.zeros(600_000, "f2")}, "bytes of a refiner"),
    ],
)
def test_impossible_refiners_are_refused(head, changed, message):
    arrays = safetensors.numpy.load(avatar.pack(head)) | {f"refiner.{name}": each for name, each in changed.items()}
    with pytest.raises(DGTalkerError, match=message):
        avatar.load(dgt.dump(head.metadata.to_json(), {k: v for k, v in arrays.items() if v is not None}))


def test_numbers_that_overflow_say_nothing():
    network = RefinerNetwork(4)
    for each in network.parameters():
        torch.nn.init.constant_(each, 65504.0)
    with torch.no_grad():
        assert network(torch.ones(1, CHANNELS, 16, 16)).isfinite().all()
