"""FLAME from a file of its layout."""

from __future__ import annotations

import pickle
import subprocess

import numpy as np
import pytest
import torch
from flame_file import SHIFT, TO_FLAME, flame_arrays, someone, write_pickle

from dgtalker_engine.capture.face_model import Region, load_flame
from dgtalker_engine.capture.face_model.alignment import Alignment
from dgtalker_engine.errors import DGTalkerError


@pytest.fixture(scope="module")
def arrays():
    return flame_arrays()


@pytest.fixture(scope="module")
def flame(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("flame") / "generic_model.pkl"
    write_pickle(path, arrays)
    return load_flame(path)


def rotation(axis_angle: np.ndarray) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(axis_angle).as_matrix()


def published_flame(arrays, shape, expression, pose) -> np.ndarray:
    """The published equations in FLAME's own axes; pose (5, 3), the root first."""
    weights = np.concatenate([shape, expression])
    shaped = arrays["v_template"] + arrays["shapedirs"] @ weights
    joints = arrays["J_regressor"] @ shaped
    turns = np.stack([rotation(turn) for turn in pose])
    posed = shaped + arrays["posedirs"] @ (turns[1:] - np.eye(3)).ravel()
    parents = [-1, 0, 1, 1, 1]
    world = []
    for joint, parent in enumerate(parents):
        local = np.eye(4)
        local[:3, :3] = turns[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0)
        world.append(local if parent < 0 else world[parent] @ local)
    for joint in range(5):
        world[joint] = world[joint].copy()
        world[joint][:3, 3] -= world[joint][:3, :3] @ joints[joint]
    blended = np.einsum("vj,jab->vab", arrays["weights"], np.stack(world))
    return np.einsum("vab,vb->va", blended[:, :3, :3], posed) + blended[:, :3, 3]


def test_a_posed_face_is_that_of_the_published_equations(arrays, flame):
    random = np.random.default_rng(0)
    shape, expression = random.normal(size=300), random.normal(size=100)
    pose = np.concatenate([np.zeros((1, 3)), random.normal(0, 0.3, (4, 3))])
    true = (published_flame(arrays, shape, expression, pose) - SHIFT) @ TO_FLAME
    turned = torch.from_numpy((pose[1:] @ TO_FLAME).astype("f4"))
    ours = flame.vertices(torch.from_numpy(shape.astype("f4")), torch.from_numpy(expression.astype("f4")), turned)
    apart = ours.numpy() - true
    # the origin is where it was found; everything else must agree
    assert np.abs(apart - apart.mean(axis=0)).max() < 2e-6
    assert np.linalg.norm(apart.mean(axis=0)) < 0.004


def test_landmarks_are_where_our_model_has_them_on_that_face(flame):
    ours, vertices = someone()
    true = ours.landmarks(torch.from_numpy(vertices.astype("f4"))).numpy()
    found = flame.landmarks(flame.neutral).numpy()
    apart = found - true
    apart -= apart[:468].mean(axis=0)
    assert np.linalg.norm(apart, axis=1).mean() < 0.0015
    assert np.linalg.norm(apart[[13, 14, 61, 291, 159, 386, 468, 473]], axis=1).max() < 0.003


def test_regions_are_those_of_our_model(flame):
    ours, _ = someone()
    front = np.isin(ours.regions.numpy(), (Region.SKIN, Region.UPPER_FACE, Region.LIPS, Region.EYES))
    assert (flame.regions == ours.regions).numpy()[front].mean() > 0.9
    assert (flame.uv >= 0).all()
    assert (flame.uv <= 1).all()


def test_joints_are_the_eyes_the_jaw_and_the_neck(flame):
    assert flame.joint_names == ("neck", "jaw", "leftEye", "rightEye")
    joints = flame.joint_regressor @ flame.neutral
    assert joints[2, 0] > 0.02 > -0.02 > joints[3, 0]


def test_npz_is_read_like_the_pickle_and_the_published_landmarks_are_used(arrays, flame, tmp_path, monkeypatch):
    ours, vertices = someone()
    landmarks = ours.landmarks(torch.from_numpy(vertices.astype("f4"))).numpy()
    shift = SHIFT @ TO_FLAME
    true = Alignment(vertices=vertices + shift, landmarks=landmarks + shift, origin=shift)
    monkeypatch.setattr("dgtalker_engine.capture.face_model.flame.align", lambda *_: true)
    np.savez(tmp_path / "flame.npz", **arrays)
    published = {"landmark_indices": [13, 14], "lmk_face_idx": [7, 9], "lmk_b_coords": [[1, 0, 0], [0, 0.5, 0.5]]}
    np.savez(tmp_path / "mediapipe_landmark_embedding.npz", **published)
    read = load_flame(tmp_path / "flame.npz")
    assert torch.equal(read.identity, flame.identity)
    assert read.landmark_faces[[13, 14]].tolist() == [7, 9]
    assert read.landmark_barycentrics[14].tolist() == [0, 0.5, 0.5]
    apart = read.landmarks(read.neutral)[61].numpy() - landmarks[61]
    assert np.linalg.norm(apart) < 1e-4


class Malicious:
    def __init__(self, command: list[str]) -> None:
        self.command = command

    def __reduce__(self):
        return subprocess.check_output, (self.command,)


def test_a_pickle_that_runs_something_is_refused_before_it_does(tmp_path):
    trace = tmp_path / "trace"
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"v_template": Malicious(["touch", str(trace)])}))
    with pytest.raises(DGTalkerError, match=r"subprocess\.check_output"):
        load_flame(tmp_path / "evil.pkl")
    assert not trace.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.pkl", pickle.dumps([1, 2])),
        ("empty.pkl", b""),
        ("text.pkl", b"not a pickle"),
        ("other.pkl", pickle.dumps({"v_template": np.zeros((4, 3))})),
        ("objects.pkl", pickle.dumps({"v_template": np.array([None, {}], object)})),
        ("broken.npz", b"PK\x03\x04nothing"),
    ],
)
def test_other_files_are_refused_with_a_word(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DGTalkerError, match=name) as refused:
        load_flame(tmp_path / name)
    assert refused.value.hint


def test_flame_of_other_sizes_is_refused(arrays, tmp_path):
    np.savez(tmp_path / "few.npz", **{**arrays, "shapedirs": arrays["shapedirs"][..., :10]})
    with pytest.raises(DGTalkerError, match="10 shapes"):
        load_flame(tmp_path / "few.npz")
    np.savez(tmp_path / "outside.npz", **{**arrays, "f": arrays["f"] + 10**6})
    with pytest.raises(DGTalkerError, match="outside"):
        load_flame(tmp_path / "outside.npz")
