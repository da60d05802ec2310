"""A model that is no sum becomes one: pictures stay, Gaussians that are never seen go, and the error is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dgtalker_engine import avatar
from dgtalker_engine.avatar.joints import Joint
from dgtalker_engine.avatar.kinds.linear.joints import turn
from dgtalker_engine.avatar.latents import Latents
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.gaussians import Camera, Gaussians
from dgtalker_engine.rig import Control, Rig
from dgtalker_engine.training import metrics, one_torch_thread
from dgtalker_engine.training.baking import BakeSource, bake, blendshapes, pictures, pruning

RIG = Rig(
    (
        Control("jawOpen", "lip"),
        Control("mouthClose", "lip"),
        Control("eyeBlinkLeft", "expression"),
        Control("headTurn", "pose", minimum=-1.0),
        Control("gazeUp", "pose", minimum=-1.0),
    )
)
JOINT = Joint((0.0, 0.0, -0.1), {"headTurn": (0.0, 0.0, 0.5)})
CONSENT = avatar.Consent(subject="Nobody", scope="tests", granted_by="tests", date="", status="synthetic")
FRONT = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0.8], [0, 0, 0, 1]])
CAMERA = Camera(K=np.array([[250.0, 0, 40], [0, 250, 40], [0, 0, 1]]), world_to_camera=FRONT, width=80, height=80)
GRID = 16
COUNT = GRID * GRID + 40


def wall() -> Gaussians:
    """Coloured discs beside each other on a bowl that faces the camera, and 40 behind them that nobody sees."""
    rng = np.random.default_rng(1)
    x, z = (side.ravel() for side in np.meshgrid(np.linspace(-0.1, 0.1, GRID), np.linspace(-0.1, 0.1, GRID)))
    front = np.stack([x, 3 * (x * x + z * z) + 0.1 * x, z], axis=1)
    behind = np.column_stack([rng.uniform(-0.03, 0.03, 40), np.full(40, 0.04), rng.uniform(0.03, 0.06, 40)])
    means = np.concatenate([front, behind])
    scales = np.full((COUNT, 3), 0.013)
    scales[GRID**2 :] = 0.002
    colours = np.stack([np.sin(30 * means[:, 0]), np.sin(25 * means[:, 2]), np.cos(20 * means[:, 0])], axis=1)
    return Gaussians(
        means=torch.tensor(means, dtype=torch.float32),
        quats=torch.tensor([[-1.0, 0, 0, 0]]).repeat(COUNT, 1),
        scales=torch.tensor(scales, dtype=torch.float32),
        opacities=torch.full((COUNT,), 0.99),
        sh=torch.tensor(colours[:, None], dtype=torch.float32),
    )


WALL = wall()
NONE = np.zeros(0, np.float32)
JOINT_WEIGHTS = np.where(WALL.means[:, 2].numpy() > 0, 255, 0).astype(np.uint8)[None]


def pose(weights: np.ndarray, latents: np.ndarray = NONE) -> Gaussians:
    """The lower part opens along an arc, what is open closes, blinks and looks move and tint the upper part."""
    jaw, close, blink, _, gaze = torch.from_numpy(weights)
    low = (WALL.means[:, 2] < -0.02).float()
    high = 1 - low
    down = low * (0.02 * torch.sin(1.5 * jaw) - 0.018 * jaw * close)
    forward = low * 0.02 * (1 - torch.cos(1.5 * jaw))
    up = high * (0.004 * gaze + 0.003 * gaze * gaze)
    means = WALL.means + torch.stack([0 * down, -forward, up - down], dim=1)
    half = 0.5 * blink * high
    quats = torch.stack([torch.cos(half), torch.sin(half), 0 * half, 0 * half], dim=1)
    sh = WALL.sh + 0.5 * (high * blink)[:, None, None]
    means, quats = means.numpy().copy(), quats.numpy().copy()
    vector = weights.astype(float) @ JOINT.vectors(RIG)
    turn(means, quats, np.array([JOINT.pivot], np.float32), JOINT_WEIGHTS, vector[None])
    return replace(WALL, means=torch.from_numpy(means), quats=torch.from_numpy(quats), sh=sh)


def source(**changes) -> BakeSource:
    part = np.linspace(0, 1, 12)
    nothing = 0 * part
    examples = np.stack([part, part**2, 0.5 - 0.5 * np.cos(6 * part), nothing, nothing], axis=1).astype(np.float32)
    values = {
        "pose": pose,
        "latents": None,
        "rig": RIG,
        "joints": (JOINT,),
        "joint_weights": JOINT_WEIGHTS,
        "lips": (abs(WALL.means[:, 2] + 0.02) < 0.02).numpy(),
        "examples": examples,
        "cameras": [CAMERA] * 12,
    }
    return BakeSource(**{**values, **changes})


def baked(given: BakeSource, **changes):
    proxy = avatar.ProxyMesh(
        vertices=WALL.means[:4].numpy(),
        faces=np.array([[0, 1, 2, 3]], np.int32),
        uv=np.zeros((4, 2), np.float32),
        colours=np.ones((4, 4), np.float32),
        deltas=np.zeros((len(RIG.controls), 4, 3), np.float32),
    )
    values = {"name": "Wall", "consent": CONSENT, "licence": "CC0-1.0", "progress": lambda fraction: None}
    with one_torch_thread():
        return bake(given, proxy, np.full((1, 4), 255, np.uint8), **values | changes)


@pytest.fixture(scope="module")
def wall_avatar():
    return baked(source())


def test_the_baked_avatar_looks_like_the_model_at_its_expressions_and_says_how_much(wall_avatar):
    assert wall_avatar.error.psnr > 35
    assert 0 < wall_avatar.error.lip_error < 0.6


def test_what_a_speaker_does_alone_is_kept_where_it_was_seen_and_is_gone_where_it_was_not():
    """The jaw tints the face as it was seen to, half open; a jaw that is wide open looks as any would."""
    latents = Latents(((2.0,), (0.0,), (0.0,), (0.0,), (0.0,)), (-0.5,), 1.0, 0.6)

    def tinted(weights, own):
        cloud = pose(weights)
        return replace(cloud, sh=cloud.sh + 0.8 * float(own[0]) * torch.sin(60 * WALL.means[:, :1, None]))

    given = source(pose=tinted, latents=latents)
    given = replace(given, examples=given.examples * np.array([0.5, 0, 1, 0, 0], np.float32))
    result = baked(given)
    assert result.error.psnr > 40
    wide = RIG.weights({"jawOpen": 1.0})
    rgb, alpha = pictures.drawn(result.avatar.pose(wide), CAMERA)
    assert metrics.psnr(rgb, pictures.drawn(pose(wide), CAMERA)[0], alpha > 0.5) > 35


def test_an_arc_becomes_a_square_a_product_mends_what_closes_and_what_is_straight_needs_nothing(wall_avatar):
    correctives = wall_avatar.avatar.metadata.correctives
    assert ("jawOpen", "jawOpen") in correctives
    assert ("jawOpen", "mouthClose") in correctives
    assert ("gazeUp", "gazeUp") in correctives
    assert ("mouthClose", "mouthClose") not in correctives
    assert ("headTurn", "headTurn") not in correctives


def test_what_joints_turn_is_not_stored_as_deltas(wall_avatar):
    deltas = wall_avatar.avatar.deltas["means"]
    turned = RIG.names.index("headTurn")
    assert deltas.offsets[turned] == deltas.offsets[turned + 1]
    weights = RIG.weights({"headTurn": -1.0, "jawOpen": 0.5})
    far = wall_avatar.avatar.pose(weights).means.numpy()
    wanted = pose(weights).means.numpy()[: GRID**2]
    assert np.abs(far - wanted).max() < 1.5e-3


def test_gaussians_that_are_never_seen_are_left_out(wall_avatar):
    assert len(wall_avatar.avatar.base["means"]) == GRID**2


def test_no_more_gaussians_are_kept_than_asked_for_and_the_others_fill_the_gaps():
    few = baked(source(), most=GRID**2 * 3 // 4)
    assert len(few.avatar.base["means"]) == GRID**2 * 3 // 4
    rest = RIG.defaults
    alpha = pictures.drawn(few.avatar.pose(rest), CAMERA)[1]
    wanted = pictures.drawn(pose(rest), CAMERA)[1]
    assert float((alpha - wanted).abs()[30:50, 30:50].mean()) < 0.1


def test_quaternions_that_change_their_sign_from_pose_to_pose_do_not_matter():
    def flips(weights, latents):
        cloud = pose(weights, latents)
        return replace(cloud, quats=-cloud.quats if weights[2] > 0.5 else cloud.quats)

    shapes, other = (blendshapes.fit(source(pose=each), lambda fraction: None) for each in (pose, flips))
    for name in shapes.deltas:
        np.testing.assert_allclose(shapes.deltas[name].values, other.deltas[name].values, atol=1e-5)


def test_a_clip_of_minutes_gives_what_its_parts_give_and_costs_no_more_poses(monkeypatch):
    monkeypatch.setattr(blendshapes, "_MOST_EXAMPLES", 48)
    posed = []

    def counted(weights, latents):
        posed.append(0)
        return pose(weights, latents)

    once = source()
    often = replace(once, pose=counted, examples=np.repeat(once.examples, 16, axis=0), cameras=[CAMERA] * 192)
    few, many = (blendshapes.fit(each, lambda fraction: None) for each in (once, often))
    for name in few.deltas:
        np.testing.assert_allclose(many.deltas[name].dense(COUNT), few.deltas[name].dense(COUNT), atol=3e-4)
    assert len(posed) < 96


def test_the_same_model_gives_the_same_file(wall_avatar):
    again = baked(source())
    assert avatar.pack(again.avatar) == avatar.pack(wall_avatar.avatar)


def test_a_contribution_is_how_many_pixels_a_gaussian_colours():
    cloud = WALL.map(lambda tensor: tensor[:1].clone())
    view = pictures.View(RIG.defaults, CAMERA)
    alpha = pictures.drawn(cloud, CAMERA)[1]
    assert pruning.contributions(cloud, view)[0] == pytest.approx(float(alpha.sum()), rel=1e-3)


def test_a_model_that_no_sum_can_be_is_refused():
    rng = np.random.default_rng(2)
    noise = torch.from_numpy(rng.normal(size=(COUNT, 3)).astype(np.float32))

    def chaos(weights, latents):
        return replace(WALL, sh=(WALL.sh + 3 * noise[:, None] * float(np.sin(90 * weights.sum()))))

    with pytest.raises(DGTalkerError, match="could not be written as blendshapes"):
        baked(source(pose=chaos))


def test_a_bake_can_be_cancelled_at_any_fraction():
    def stop(fraction):
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        baked(source(), progress=stop)


def test_what_lies_below_the_clips_pictures_stays():
    whole = len(pruning.kept(source(), lambda fraction: None).rows)
    lower = np.array([[0, 0, 0], [0, 0, 30], [0, 0, 0]])
    cut = [replace(CAMERA, K=CAMERA.K + lower)] * 12
    assert len(pruning.kept(source(cameras=cut), lambda fraction: None).rows) > 0.99 * whole
