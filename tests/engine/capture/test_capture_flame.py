"""FLAME from a file of its layout."""

from __future__ import annotations

import pickle
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import torch
from flame_file import JAW_TURN, TO_FLAME, flame_arrays, someone, write_pickle

from dgtalker_engine.capture.clip import ClipInfo, Crop, Source
from dgtalker_engine.capture.face_model import SHIPPED, Region, load, load_flame, open_model
from dgtalker_engine.capture.face_model.array_pickle import read_arrays
from dgtalker_engine.capture.face_model.flame import read_flame
from dgtalker_engine.capture.fit.landmark_model import landmark_model
from dgtalker_engine.capture.fitted_face_model import fitted_face_model
from dgtalker_engine.capture.mesh_raster import rasterize
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rig import ARKIT_NAMES


@pytest.fixture(scope="module")
def arrays():
    return flame_arrays()


@pytest.fixture(scope="module")
def path(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("flame") / "generic_model.pkl"
    write_pickle(path, arrays)
    return path


@pytest.fixture(scope="module")
def bare(path):
    return read_flame(path)


@pytest.fixture(scope="module")
def flame(path):
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


def test_a_posed_face_is_that_of_the_published_equations(arrays, bare):
    random = np.random.default_rng(0)
    shape, expression = random.normal(size=300), random.normal(size=100)
    pose = np.concatenate([np.zeros((1, 3)), random.normal(0, 0.3, (4, 3))])
    true = (published_flame(arrays, shape, expression, pose)) @ TO_FLAME
    turned = torch.from_numpy((pose[1:] @ TO_FLAME).astype("f4"))
    found = bare.vertices(torch.from_numpy(shape.astype("f4")), torch.from_numpy(expression.astype("f4")), turned)
    assert np.abs(found.numpy() - true).max() < 2e-6
    assert bare.joint_names == ("neck", "jaw", "leftEye", "rightEye")


def test_landmarks_are_where_our_model_has_them_on_that_face(flame):
    ours, vertices, _ = someone()
    true = ours.landmarks(torch.from_numpy(vertices.astype("f4"))).numpy()
    found = flame.landmarks(flame.neutral).numpy()
    apart = found - true
    assert np.linalg.norm(apart.mean(axis=0)) < 0.004, "the origin"
    apart -= apart[:468].mean(axis=0)
    assert np.linalg.norm(apart, axis=1).mean() < 0.0015
    assert np.linalg.norm(apart[[13, 14, 61, 291, 159, 386, 468, 473]], axis=1).max() < 0.003


def test_regions_are_those_of_our_model(arrays, flame):
    ours, _, kept = someone()
    number = np.full(len(ours.neutral), -1)
    number[kept] = np.arange(len(kept))
    regions = ours.regions.numpy()[(number[ours.faces.numpy()] >= 0).all(axis=1)]
    front = np.isin(regions, (Region.SKIN, Region.UPPER_FACE, Region.LIPS, Region.EYES))
    assert (flame.regions.numpy()[: len(regions)] == regions)[front].mean() > 0.9
    assert (flame.uv >= 0).all()
    assert (flame.uv <= 1).all()


def test_an_expression_is_arkits_and_an_open_mouth_is_the_jaws_turn(flame):
    ours, vertices, kept = someone()
    assert flame.expression_names == ARKIT_NAMES
    assert flame.joint_names == ("jaw", "leftEye", "rightEye")
    joints = flame.joint_regressor @ flame.neutral
    assert joints[1, 0] > 0.02 > -0.02 > joints[2, 0]
    face = np.isin(ours.regions.numpy(), (Region.SKIN, Region.UPPER_FACE, Region.LIPS))
    front = np.flatnonzero(np.isin(kept, ours.faces.numpy()[face]) & (vertices[kept, 1] < -0.03))
    turned = flame.expression_pose[ARKIT_NAMES.index("jawOpen"), 0].numpy()
    assert turned == pytest.approx([JAW_TURN, 0, 0], abs=0.03)
    for name in ("jawOpen", "mouthSmileLeft", "mouthPucker", "browInnerUp", "eyeBlinkRight"):
        index = ARKIT_NAMES.index(name)
        moved = (flame.vertices(torch.zeros(0), torch.eye(52)[index]) - flame.neutral).numpy()[front]
        wanted = ours.expression[index].numpy()[kept][front]
        assert np.linalg.norm(moved - wanted) < 0.25 * np.linalg.norm(wanted), name


def test_an_open_mouth_shows_our_teeth_and_mouth_and_the_lower_teeth_go_down(flame):
    weights = torch.zeros(52)
    weights[ARKIT_NAMES.index("jawOpen")] = 0.7
    opened = flame.vertices(torch.zeros(0), weights)
    teeth = flame.faces[flame.regions == Region.TEETH].unique()
    down = (flame.neutral - opened)[teeth, 2]
    assert down.max() > 0.01
    assert down.min() < 0.001
    upper, lower = flame.landmarks(opened)[[13, 14]].numpy()
    pixels = torch.stack([opened[:, 0], -opened[:, 2]], 1).double().numpy() * 1000 + 150
    shown = rasterize(pixels, opened[:, 1].double().numpy() + 1, flame.faces.numpy(), 300, 300).triangles
    rows = np.arange(*np.rint([150 - 1000 * upper[2] + 3, 150 - 1000 * lower[2] - 3]).astype(int))
    between = shown[rows, round(150 + 1000 * float(upper[0]))]
    assert len(rows) > 8
    assert np.isin(flame.regions.numpy()[between], (Region.TEETH, Region.MOUTH_INSIDE, Region.LIPS)).all()


def test_the_eyes_shut_although_flames_own_expressions_do_not_do_it(flame):
    def gap(blink: float) -> float:
        weights = torch.zeros(52)
        weights[ARKIT_NAMES.index("eyeBlinkLeft")] = blink
        upper, lower = flame.landmarks(flame.vertices(torch.zeros(0), weights))[[386, 374], 2].tolist()
        return upper - lower

    assert gap(1.0) < 0.3 * gap(0.0)


def test_the_fit_knows_the_landmarks_of_a_bent_jaw(flame):
    landmarks, random = landmark_model(flame), np.random.default_rng(0)
    identity, expression = random.normal(size=100), random.uniform(0, 0.6, (2, 52))
    pose = random.normal(0, 0.1, (2, 3, 3))
    rest, joints = landmarks.shape(identity)
    placed = landmarks.place(rest, joints, expression, pose)
    tensors = [torch.from_numpy(array.astype("f4")) for array in (identity, expression, pose)]
    true = flame.landmarks(flame.vertices(*tensors)).numpy()[:, landmarks.indices]
    assert np.abs(placed.points - true).max() < 1e-4
    step, jaw = 1e-5, ARKIT_NAMES.index("jawOpen")
    ends = [landmarks.place(rest, joints, expression + way * np.eye(52)[jaw], pose) for way in (step, -step)]
    slope = (ends[0].points - ends[1].points) / (2 * step)
    assert np.abs(placed.by_expression[..., jaw] - slope).max() < 0.05 * np.abs(slope).max()
    turned = np.zeros((3, 3))
    turned[0, 0] = step
    ends = [landmarks.place(rest, joints, expression, pose + way * turned) for way in (1, -1)]
    slope = (ends[0].points - ends[1].points) / (2 * step)
    assert np.abs(placed.by_pose[..., 0] - slope).max() < 0.05 * np.abs(slope).max()


def test_npz_is_read_like_the_pickle_and_the_published_landmarks_are_used(arrays, bare, flame, tmp_path):
    np.savez(tmp_path / "flame.npz", **arrays)
    assert read_flame(tmp_path / "flame.npz").digest == bare.digest
    assert load_flame(tmp_path / "flame.npz").digest == flame.digest
    published = {"landmark_indices": [13, 14], "lmk_face_idx": [7, 9], "lmk_b_coords": [[1, 0, 0], [0, 0.5, 0.5]]}
    np.savez(tmp_path / "mediapipe_landmark_embedding.npz", **published)
    read = load_flame(tmp_path / "flame.npz")
    assert read.landmark_faces[[13, 14]].tolist() == [7, 9]
    assert read.landmark_barycentrics[14].tolist() == [0, 0.5, 0.5]
    assert read.landmark_faces[61] == flame.landmark_faces[61]
    assert not read.landmark_bias[[13, 14]].any()
    assert torch.equal(read.landmark_bias[61], flame.landmark_bias[61])
    assert read.digest != flame.digest


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


class Pointers:
    """A dtype of objects that calls itself one of bytes."""

    def __reduce__(self):
        return np.dtype, ("V8",), (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0)


class Pointing:
    """An array of it: objects at addresses that the pickle chooses."""

    def __reduce__(self):
        return np.zeros(1).__reduce__()[0], (np.ndarray, (0,), b"b"), (1, (1,), Pointers(), False, b"A" * 8)


def test_a_pickle_that_would_read_any_memory_is_refused(tmp_path):
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"v_template": Pointing()}))
    with pytest.raises(DGTalkerError, match="more than numbers"):
        load_flame(tmp_path / "evil.pkl")


@pytest.mark.parametrize("protocol", range(5))
def test_numbers_of_all_kinds_are_read_as_they_were_written(tmp_path, protocol):
    whole = np.arange(6).reshape(2, 3)
    arrays = {f"{code}{order}": whole.astype(code).copy(order) for code in ("?", "u4", ">f8", "f2") for order in "CF"}
    arrays |= {"one": np.array(2.0)}
    (tmp_path / "all.pkl").write_bytes(pickle.dumps({**arrays, "number": np.float32(3)}, protocol))
    read = read_arrays(tmp_path / "all.pkl")
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array, strict=True)


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


@pytest.fixture(scope="module")
def clip_info(path, flame):
    source = Source(name="film.mp4", digest="", width=8, height=8, rotation=0, start=0.0, end=1.0)
    info = ClipInfo(fps=25, size=8, source=source, crop=Crop(x=0, y=0, side=8), kept=(0,))
    return replace(info, face_model_hash=flame.digest, face_model_file=str(path))


def test_the_face_model_of_a_clip_is_found_where_it_was_and_where_it_is_now(clip_info, path, tmp_path):
    assert fitted_face_model(clip_info).file == str(path)
    moved = tmp_path / "moved.pkl"
    shutil.copyfile(path, moved)
    assert fitted_face_model(replace(clip_info, face_model_file="/nowhere/flame.pkl"), moved).file == str(moved)
    ours = replace(clip_info, face_model_hash=load().digest, face_model_file="")
    assert fitted_face_model(ours) is load()


def test_a_clip_whose_face_model_is_gone_or_another_one_is_refused_with_what_to_do(clip_info, arrays, tmp_path):
    def refusal(info: ClipInfo) -> str:
        with pytest.raises(DGTalkerError) as refused:
            fitted_face_model(info)
        assert "--face-model FILE" in refused.value.hint
        return refused.value.message

    assert "no file /nowhere/flame.pkl" in refusal(replace(clip_info, face_model_file="/nowhere/flame.pkl"))
    np.savez(tmp_path / "other.npz", **{**arrays, "v_template": 1.01 * arrays["v_template"]})
    assert "other.npz" in refusal(replace(clip_info, face_model_file=str(tmp_path / "other.npz")))
    assert "another face model" in refusal(replace(clip_info, face_model_file=""))
    (tmp_path / "text.pkl").write_bytes(b"not a pickle")
    with pytest.raises(DGTalkerError, match=r"text\.pkl is no file of arrays"):
        fitted_face_model(replace(clip_info, face_model_file=str(tmp_path / "text.pkl")))


def test_a_model_that_was_learned_anew_can_be_given_too(tmp_path):
    path = tmp_path / "own.safetensors"
    shutil.copyfile(SHIPPED, path)
    assert open_model(path).file == str(path)
    assert open_model(path).digest == load().digest
    assert open_model(None) is load()
    with pytest.raises(DGTalkerError, match="missing"):
        open_model(tmp_path / "none.safetensors")
