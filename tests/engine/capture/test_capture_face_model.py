"""The face model: equation 10, its file, and the one that ships."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scipy.spatial.transform import Rotation

from dgtalker_engine.capture import face_model
from dgtalker_engine.capture.face_model import LANDMARKS, FaceModel, Region
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rig import ARKIT_NAMES, mirrored


def small(correctives: bool = True) -> FaceModel:
    """A model of nine vertices and a chain of two joints."""
    random = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random).half().float()

    weights = torch.rand(9, 2, generator=random) / 2
    regressor = torch.rand(2, 9, generator=random)
    return FaceModel(
        name="small",
        neutral=normal(9, 3),
        identity=normal(4, 9, 3),
        expression=normal(3, 9, 3),
        expression_names=("a", "b", "c"),
        expression_pose=normal(3, 2, 3) * 0.2,
        faces=torch.tensor([[0, 1, 2], [3, 4, 5], [6, 7, 8]]),
        uv=torch.rand(9, 2, generator=random),
        regions=torch.tensor([0, 2, 5], dtype=torch.uint8),
        joint_names=("neck", "jaw"),
        joint_parents=(-1, 0),
        joint_regressor=regressor / regressor.sum(1, keepdim=True),
        skin_weights=weights,
        pose_correctives=normal(18, 9, 3) * 0.1 if correctives else None,
        landmark_faces=torch.arange(LANDMARKS) % 4 - 1,
        landmark_barycentrics=torch.tensor([[0.2, 0.3, 0.5]]).repeat(LANDMARKS, 1),
    )


def reference(model: FaceModel, identity: np.ndarray, expression: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Equation 10 one vertex at a time."""
    shaped = model.neutral.double().numpy()
    shaped = shaped + sum(w * m for w, m in zip(identity, model.identity.double().numpy(), strict=True))
    shaped = shaped + sum(w * m for w, m in zip(expression, model.expression.double().numpy(), strict=True))
    joints = model.joint_regressor.double().numpy() @ shaped
    turns = pose + sum(w * t for w, t in zip(expression, model.expression_pose.double().numpy(), strict=True))
    matrices = Rotation.from_rotvec(turns).as_matrix()
    if model.pose_correctives is not None:
        entries = (matrices - np.eye(3)).ravel()
        shaped = shaped + sum(w * m for w, m in zip(entries, model.pose_correctives.double().numpy(), strict=True))
    world = []
    for joint, parent in enumerate(model.joint_parents):
        place = np.eye(4)
        place[:3, :3] = matrices[joint]
        place[:3, 3] = joints[joint] - matrices[joint] @ joints[joint]
        world.append(place if parent < 0 else world[parent] @ place)
    result = np.zeros_like(shaped)
    for vertex, weights in enumerate(model.skin_weights.double().numpy()):
        blended = (1 - weights.sum()) * np.eye(4) + sum(w * m for w, m in zip(weights, world, strict=True))
        result[vertex] = blended[:3, :3] @ shaped[vertex] + blended[:3, 3]
    return result


@pytest.mark.parametrize("correctives", [True, False])
def test_vertices_are_those_of_equation_10(correctives):
    model = small(correctives)
    random = np.random.default_rng(1)
    identity, expression, pose = random.normal(size=(5, 4)), random.random((5, 3)), random.normal(0, 0.8, (5, 2, 3))
    found = model.vertices(*(torch.from_numpy(a.astype("f4")) for a in (identity, expression, pose)))
    for i in range(5):
        np.testing.assert_allclose(found[i], reference(model, identity[i], expression[i], pose[i]), atol=2e-5)


def test_leading_dimensions_broadcast_and_missing_components_are_zero():
    model = small()
    many = model.vertices(torch.ones(2), torch.rand(6, 5, 3), torch.zeros(5, 2, 3))
    assert many.shape == (6, 5, 9, 3)
    assert model.landmarks(many).shape == (6, 5, LANDMARKS, 3)
    padded = model.vertices(torch.tensor([1.0, 1.0, 0.0, 0.0]), torch.zeros(3))
    assert torch.equal(padded, model.vertices(torch.ones(2), torch.zeros(0)))


def test_gradients_are_right_at_rest_too():
    model = replace(small(), **{f.name: t.double() for f in fields(FaceModel) if (t := tensor(f.name)) is not None})
    towards = torch.randn(9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def seen(parameters: torch.Tensor) -> torch.Tensor:
        return (model.vertices(parameters[:4], parameters[4:7], parameters[7:].view(2, 3)) * towards).sum()

    rest = torch.zeros(13, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(seen(rest), rest)
    step = 1e-5 * torch.eye(13, dtype=torch.float64)
    differences = torch.stack([(seen(one) - seen(-one)) / 2e-5 for one in step])
    torch.testing.assert_close(gradient, differences, atol=1e-6, rtol=1e-6)


def tensor(name: str) -> torch.Tensor | None:
    value = getattr(small(), name)
    return value if isinstance(value, torch.Tensor) and value.is_floating_point() else None


def test_landmarks_lie_on_their_triangles_or_are_nan():
    model = small()
    points = model.landmarks(model.neutral)
    assert points[0].isnan().all()
    expected = model.neutral[[3, 4, 5]].T @ torch.tensor([0.2, 0.3, 0.5])
    torch.testing.assert_close(points[2], expected)


def test_a_file_brings_a_model_back(tmp_path):
    for model in (small(), small(correctives=False)):
        path = tmp_path / "model.safetensors"
        path.write_bytes(face_model.to_bytes(model, {"notice": "of somebody"}))
        back = face_model.read(path)
        for field in fields(FaceModel):
            was, now = getattr(model, field.name), getattr(back, field.name)
            if isinstance(was, torch.Tensor):
                torch.testing.assert_close(now, was, atol=1e-3, rtol=1e-3)
            else:
                assert now == was
        assert back.digest == face_model.read(path).digest
        with safe_open(path, "pt") as file:
            assert file.metadata()["notice"] == "of somebody"


def test_a_digest_tells_models_apart():
    model = small()
    assert model.digest == small().digest
    assert model.digest != replace(model, neutral=model.neutral + 1e-4).digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"faces": torch.tensor([[0, 1, 9]])}, "regions"),
        ({"faces": torch.tensor([[0, 1, 2], [3, 4, 5], [6, 7, 99]])}, "outside"),
        ({"neutral": torch.full((9, 3), torch.nan)}, "finite"),
        ({"joint_parents": (0, 1)}, "tree"),
        ({"uv": torch.zeros(9, 3)}, "uv"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_is_wrong(tmp_path, change, said):
    path = tmp_path / "model.safetensors"
    path.write_bytes(face_model.to_bytes(replace(small(), **change), {}))
    with pytest.raises(DGTalkerError, match=said):
        face_model.read(path)


def test_damaged_missing_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(DGTalkerError, match="missing"):
        face_model.read(path)
    path.write_bytes(face_model.to_bytes(small(), {})[:-20])
    with pytest.raises(DGTalkerError, match="cannot be read"):
        face_model.read(path)
    save_file({"neutral": torch.zeros(3, 3)}, path)
    with pytest.raises(DGTalkerError, match="no face model"):
        face_model.read(path)


# The model that ships.


@pytest.fixture(scope="module")
def ours() -> FaceModel:
    return face_model.load()


def faced(ours: FaceModel, **weights: float) -> torch.Tensor:
    expression = torch.zeros(52)
    for name, weight in weights.items():
        expression[ARKIT_NAMES.index(name)] = weight
    return ours.vertices(torch.zeros(0), expression)


def test_the_shipped_model_is_small_and_carries_the_notice():
    assert face_model.SHIPPED.stat().st_size < 8e6
    notice = face_model.SHIPPED.with_name("NOTICE").read_text(encoding="utf-8")
    with safe_open(face_model.SHIPPED, "pt") as file:
        metadata = file.metadata()
    for text in (notice, metadata["notice"]):
        assert "USC Institute for Creative Technologies" in text
        assert "permission notice shall be included" in text
    assert json.loads(metadata["config"])["identity_components"] == 60
    assert not any("quads" in name or "landmarks68" in name for name in load_file(face_model.SHIPPED))


def test_it_has_arkits_expressions_every_region_and_every_landmark(ours):
    assert ours.expression_names == ARKIT_NAMES
    assert 6000 <= len(ours.neutral) <= 8000
    assert 50 <= len(ours.identity) <= 60
    assert set(ours.regions.tolist()) == {int(region) for region in Region}
    assert (ours.landmark_faces >= 0).all()
    moved = ours.expression.abs().amax((1, 2)) + ours.expression_pose.abs().amax((1, 2))
    assert (moved > 0.0015).all()


def test_its_skin_is_one_surface_open_at_the_neck_alone(ours):
    skin = ours.faces[~torch.isin(ours.regions, torch.tensor([Region.TEETH]))]
    edges = Counter(tuple(sorted(edge)) for t in skin.tolist() for edge in ((t[0], t[1]), (t[1], t[2]), (t[2], t[0])))
    assert max(edges.values()) == 2
    directed = Counter(edge for t in ours.faces.tolist() for edge in ((t[0], t[1]), (t[1], t[2]), (t[2], t[0])))
    assert max(directed.values()) == 1  # neighbours agree about which side is outside
    height = ours.neutral[:, 2]
    outer = [v for edge, n in edges.items() if n == 1 for v in edge if ours.neutral[v, 1].abs() < 0.2]
    assert height[outer].min() == height.min()
    mouth = height[int(ours.faces[ours.landmark_faces[13], 0])]
    eyes = (ours.joint_regressor @ ours.neutral)[:, 2]
    assert not any(abs(height[v] - eyes.mean()) < 0.02 for v in outer)
    face = [v for v in outer if abs(height[v] - mouth) < 0.01 and ours.neutral[v, 1] < -0.07]
    assert not face  # lips and lids go on inwards without a gap


def test_triangles_face_outwards(ours):
    corners = ours.neutral[ours.faces]
    normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    front = torch.isin(ours.regions, torch.tensor([Region.UPPER_FACE, Region.SCALP]))
    assert ((normals * corners.mean(1)).sum(1) > 0)[front].float().mean() > 0.95
    centres = (ours.joint_regressor @ ours.neutral)[:, None]
    for eye in range(2):
        own = (ours.skin_weights[:, eye] > 0)[ours.faces].all(1)
        assert ((normals * (corners.mean(1) - centres[eye])).sum(1) > 0)[own].all()


def test_its_mesh_and_its_expressions_are_alike_on_both_sides(ours):
    flip = torch.tensor([-1.0, 1.0, 1.0])
    other = torch.cdist(ours.neutral * flip, ours.neutral).argmin(1)
    assert (ours.neutral[other] - ours.neutral * flip).norm(dim=1).max() < 5e-4
    for name in ("eyeBlinkLeft", "mouthSmileLeft", "browInnerUp", "jawLeft", "noseSneerRight"):
        twin = "jawRight" if name == "jawLeft" else mirrored(name)
        mine, theirs = (ours.expression[ARKIT_NAMES.index(n)] for n in (name, twin))
        assert (mine[other] * flip - theirs).norm(dim=1).mean() < 1e-4


def test_left_is_the_subjects_left(ours):
    for name, sign in (("eyeBlinkLeft", 1), ("mouthSmileRight", -1), ("browDownLeft", 1)):
        moved = ours.expression[ARKIT_NAMES.index(name)].norm(dim=1)
        assert sign * (moved * ours.neutral[:, 0]).sum() / moved.sum() > 0.015
    assert ours.expression[ARKIT_NAMES.index("jawLeft"), :, 0].max() > 0.004
    landmarks = ours.landmarks(ours.neutral)
    assert landmarks[468, 0] < -0.025 < 0.025 < landmarks[473, 0]
    assert landmarks[33, 0] < 0 < landmarks[263, 0]


def test_eyes_turn_about_their_centres_and_stay_round(ours):
    rest = ours.neutral
    for name, direction in (("eyeLookUpLeft", [0, 0, 1]), ("eyeLookOutLeft", [1, 0, 0]), ("eyeLookInLeft", [-1, 0, 0])):
        posed = faced(ours, **{name: 1.0})
        move = ours.landmarks(posed)[473] - ours.landmarks(rest)[473]
        assert move @ torch.tensor(direction, dtype=torch.float32) > 0.004
        own = ours.skin_weights[:, 0] > 0
        centre = (ours.joint_regressor @ rest)[0]
        torch.testing.assert_close((posed[own] - centre).norm(dim=1), (rest[own] - centre).norm(dim=1))
        assert torch.equal(posed[ours.skin_weights[:, 1] > 0], rest[ours.skin_weights[:, 1] > 0])


def test_eyes_stay_round_in_every_head(ours):
    identity = torch.randn(4, 60, generator=torch.Generator().manual_seed(5))
    heads = ours.vertices(identity, torch.zeros(52), torch.full((2, 3), 0.3))
    own = ours.skin_weights[:, 0] > 0
    centres = (ours.joint_regressor @ (ours.neutral + torch.tensordot(identity, ours.identity, 1)))[:, 0]
    radii = (heads[:, own] - centres[:, None]).norm(dim=2)
    usual = (ours.neutral[own] - (ours.joint_regressor @ ours.neutral)[0]).norm(dim=1)
    assert ((radii / usual) / (radii / usual).mean(1, keepdim=True) - 1).abs().max() < 0.01


def test_a_blink_brings_the_lids_together_and_an_open_jaw_parts_the_lips(ours):
    upper, lower = [160, 159, 158, 385, 386, 387], [144, 145, 153, 380, 374, 373]
    rest = ours.landmarks(ours.neutral)
    closed = ours.landmarks(faced(ours, eyeBlinkLeft=1.0, eyeBlinkRight=1.0))
    assert ((rest[upper] - rest[lower])[:, 2] > 0.006).all()
    assert (closed[upper] - closed[lower])[:, 2].mean() < 0.001
    opened = ours.landmarks(faced(ours, jawOpen=1.0))
    assert (opened[13] - opened[14]).norm() > 0.03
    assert (rest[13] - rest[14]).norm() < 0.003


def test_a_tongue_comes_out_between_the_lips(ours):
    out = faced(ours, tongueOut=1.0, jawOpen=0.4)
    inside = torch.unique(ours.faces[ours.regions == Region.MOUTH_INSIDE])
    lips = ours.landmarks(faced(ours, jawOpen=0.4))
    tip = out[inside][out[inside, 1].argmin()]
    assert tip[1] < lips[13, 1] - 0.005
    assert lips[14, 2] - 0.012 < tip[2] < lips[13, 2]


def test_uv_places_do_not_overlap_on_the_face(ours):
    face = torch.isin(ours.regions, torch.tensor([Region.SKIN, Region.UPPER_FACE, Region.LIPS, Region.SCALP]))
    corners = ours.uv[ours.faces[face]]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    assert (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] > 0).all()
    assert ours.uv.min() >= 0
    assert ours.uv.max() <= 1
