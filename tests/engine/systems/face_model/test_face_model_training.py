"""Learning the face model: simplification, components, eyeballs, UV, and the whole way where ICT-FaceKit is."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from dgtalker_engine.capture import face_model
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.systems.face_model import landmark_bias, painted_head
from dgtalker_engine.systems.face_model.__main__ import main
from dgtalker_engine.systems.face_model.config import FaceModelConfig
from dgtalker_engine.systems.face_model.decimation import decimate
from dgtalker_engine.systems.face_model.export import export, export_landmark_bias
from dgtalker_engine.systems.face_model.identity import principal_components
from dgtalker_engine.systems.face_model.landmark_places import places_of_clips, places_of_source
from dgtalker_engine.systems.face_model.source import read_source
from dgtalker_engine.systems.face_model.train import train
from dgtalker_engine.systems.face_model.uv import unwrap

HEAD = Path(os.environ.get("DGTALKER_DATA", Path(__file__).resolve().parents[5] / "shared" / "data")) / "head"
needs_ict = pytest.mark.skipif(not (HEAD / "ict_facekit.npz").is_file(), reason="needs ICT-FaceKit")


def sheet(n: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """A square of n² places with a round hill in its middle, and its triangles."""
    x, y = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n))
    hill = 0.5 * np.exp(-8 * (x**2 + y**2))
    a = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    triangles = np.concatenate([np.stack([a, a + 1, a + n + 1], 1), np.stack([a, a + n + 1, a + n], 1)])
    return np.stack([x, y, hill], axis=-1).reshape(-1, 3), triangles


def edges_of(triangles: np.ndarray) -> Counter:
    return Counter(tuple(sorted((int(t[k]), int(t[k - 1])))) for t in triangles for k in range(3))


def simplified(target: int, spacing: np.ndarray | None = None, fixed: tuple[int, ...] = ()):
    vertices, triangles = sheet()
    stay = np.zeros(len(vertices), bool)
    stay[list(fixed)] = True
    wanted = np.full(len(vertices), 0.3) if spacing is None else spacing
    mesh = decimate(vertices[None], triangles, target=target, spacing=wanted, fixed=stay, evenness=0.02)
    return vertices[mesh.kept], mesh


def test_a_simplified_sheet_is_still_a_sheet_with_its_edge_and_its_hill():
    vertices, mesh = simplified(70)
    edges = edges_of(mesh.triangles)
    assert len(vertices) == 70
    assert max(edges.values()) == 2
    assert len(vertices) - len(edges) + len(mesh.triangles) == 1
    outer = np.unique([edge for edge, n in edges.items() if n == 1])
    assert (np.abs(vertices[outer, :2]).max(axis=1) > 0.99).all()
    corners = vertices[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normals[:, 2] > 0).all()
    assert normals[:, 2].sum() / 2 == pytest.approx(4, rel=0.05)
    assert vertices[:, 2].max() > 0.4


def test_vertices_stay_where_they_must_and_crowd_where_they_are_wanted():
    all_vertices, _ = sheet()
    spacing = np.where(all_vertices[:, 0] < 0, 0.1, 0.4)
    vertices, mesh = simplified(100, spacing, fixed=(40, 41, 200))
    assert {40, 41, 200} <= set(mesh.kept.tolist())
    assert (vertices[:, 0] < 0).sum() > 2 * (vertices[:, 0] > 0).sum()


def test_components_explain_the_modes_in_the_order_of_their_strength():
    random = np.random.default_rng(0)
    modes = random.normal(size=(6, 20, 3)) * np.array([5, 3, 1, 0.5, 0.1, 0.01])[:, None, None]
    weights = np.ones(20)
    components = principal_components(modes, weights, 6)
    flat, found = modes.reshape(6, -1), components.reshape(6, -1)
    np.testing.assert_allclose(found.T @ found, flat.T @ flat, atol=1e-9)
    strengths = np.linalg.norm(found, axis=1)
    assert (np.diff(strengths) < 0).all()
    between = found @ found.T / np.outer(strengths, strengths)
    np.testing.assert_allclose(between, np.eye(6), atol=1e-9)
    few = principal_components(modes, weights, 2).reshape(2, -1)
    assert np.trace(few @ few.T) > 0.9 * np.trace(flat @ flat.T)


def test_uv_of_a_sheet_and_of_a_closed_body_lie_beside_each_other():
    vertices, triangles = sheet(8)
    body = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1.0]])
    sides = [(a, b, c) for a in (0, 1) for b in (2, 3) for c in (4, 5)]
    outwards = [t if np.linalg.det(body[list(t)]) > 0 else t[::-1] for t in sides]
    together = np.concatenate([triangles, np.array(outwards) + len(vertices)])
    uv = unwrap(np.concatenate([vertices, body]), together)
    corners = uv[triangles]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    assert (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] > 0).all()
    assert uv[: len(vertices)].max() <= 0.8
    assert uv[len(vertices) :].max(axis=1).min() >= 0.8
    assert uv.min() >= 0
    assert uv.max() <= 1


def test_a_folder_without_ict_facekit_is_refused(tmp_path, capsys):
    with pytest.raises(DGTalkerError, match="ict_facekit"):
        read_source(tmp_path)
    for name in ("ict_facekit.npz", "mediapipe468_to_ict.npy", "LICENSE.ict-facekit"):
        (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(DGTalkerError, match="not ICT-FaceKit"):
        read_source(tmp_path)
    assert main(["--head", str(tmp_path), "-o", str(tmp_path / "model.safetensors")]) == 1
    assert "not ICT-FaceKit" in capsys.readouterr().err
    assert not (tmp_path / "model.safetensors").exists()


def test_landmarks_go_where_all_clips_have_them_and_not_where_one_does(tmp_path):
    model = face_model.load()
    before = model.landmarks(model.neutral).double().numpy()[:468]
    random = np.random.default_rng(0)
    common = np.zeros((478, 3), "f4")
    common[[61, 291], 2] = -0.002  # the corners of the mouth
    for i in range(12):
        own = random.normal(0, 0.0005, (478, 3)).astype("f4")
        (tmp_path / str(i)).mkdir()
        save_file(
            {"landmark_offsets": model.landmark_bias.numpy() + common + own}, tmp_path / str(i) / "tracks.safetensors"
        )
    moved = places_of_clips(tmp_path, model) - before
    np.testing.assert_allclose(moved[[61, 291], 2], -0.002, atol=5e-4)
    assert np.linalg.norm(moved, axis=1).mean() < 5e-4


def seen_from_all_sides(model, bias, turns=12):
    """What a camera sees of a face whose landmarks lie `bias` beside their places."""
    random, places = np.random.default_rng(4), model.landmarks(model.neutral).double().numpy()
    sights = []
    for _ in range(turns):
        camera = landmark_bias._camera(random)
        there = (places + bias) @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
        pixels = camera.K[0, 0] * there[:, :2] / there[:, 2:] + camera.K[:2, 2]
        sights.append(landmark_bias.Sight(places, pixels + random.normal(0, 0.2, pixels.shape), camera))
    return sights


def test_what_lies_beside_its_place_in_every_picture_is_found_in_space():
    model, bias = face_model.load(), np.zeros((478, 3))
    bias[10] = [0, 0.004, 0.003]
    bias[[234, 454]] = [[-0.004, 0.02, 0], [0.004, 0.02, 0]]
    bias[468] = [0.002, 0, 0]  # an iris: the eye looks there
    bias[13], bias[14] = [0, 0, 0.001], [0, 0, 0.003]  # both lips
    found = landmark_bias.bias_of(model, seen_from_all_sides(model, bias))
    np.testing.assert_allclose(found[[10, 234, 454]], bias[[10, 234, 454]], atol=1.5e-3)
    assert np.linalg.norm(found[[1, 4, 50, 280]], axis=1).max() < 1e-3
    assert not found[468:].any()
    assert found[13, 2] == found[14, 2] == pytest.approx(0.002, abs=1e-3)


@pytest.mark.usefixtures("landmarker")
def test_mediapipe_finds_painted_heads_about_where_they_are(monkeypatch):
    monkeypatch.setattr(painted_head, "_GAUSSIANS", 20_000)
    model = face_model.load()
    sights = landmark_bias.look(model, 1, 3, lambda _: None)
    assert len(sights) == 3
    for places, seen, camera in sights:
        there = places @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
        pixels = camera.K[0, 0] * there[:, :2] / there[:, 2:] + camera.K[:2, 2]
        assert np.linalg.norm(pixels - seen, axis=1).mean() < 20


def test_another_bias_changes_nothing_else_of_the_file(tmp_path):
    path = tmp_path / "model.safetensors"
    shutil.copy(face_model.SHIPPED, path)
    bias = np.full((478, 3), 0.001)
    export_landmark_bias(path, bias)
    before, after = face_model.load(), face_model.read(path)
    np.testing.assert_allclose(after.landmark_bias, bias, rtol=1e-6)
    for name in ("neutral", "identity", "expression", "landmark_faces", "landmark_barycentrics"):
        assert torch.equal(getattr(before, name), getattr(after, name))
    assert after.digest == before.digest
    with safe_open(face_model.SHIPPED, "pt") as first, safe_open(path, "pt") as second:
        assert first.metadata() == second.metadata()


def test_clips_that_cannot_teach_are_refused(tmp_path):
    with pytest.raises(DGTalkerError, match="no clips"):
        places_of_clips(tmp_path, face_model.load())
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "tracks.safetensors").write_bytes(b"nothing")
    with pytest.raises(DGTalkerError, match="cannot be read"):
        places_of_clips(tmp_path, face_model.load())
    save_file({"landmark_offsets": np.zeros((3, 3), "f4")}, tmp_path / "a" / "tracks.safetensors")
    with pytest.raises(DGTalkerError, match="no landmarks"):
        places_of_clips(tmp_path, face_model.load())


@needs_ict
def test_the_shipped_model_is_what_training_makes(tmp_path):
    source, config = read_source(HEAD), FaceModelConfig(unseen_samples=10)
    path = tmp_path / "new" / "model.safetensors"
    figures = export(path, train(config, source, places_of_source(source), lambda _: None), source, config)
    shipped, made = face_model.load(), face_model.read(path)
    assert torch.equal(made.faces, shipped.faces)
    torch.testing.assert_close(made.neutral, shipped.neutral)
    torch.testing.assert_close(made.expression, shipped.expression, atol=1e-5, rtol=1e-3)
    assert figures["neutral faces"]["mean"] < 0.7
    assert figures["with expressions"]["p95"] < 1.5


@needs_ict
def test_a_file_that_cannot_be_written_is_said(tmp_path):
    source, config = read_source(HEAD), FaceModelConfig()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DGTalkerError, match="cannot be written"):
        export(tmp_path / "file" / "model.safetensors", face_model.load(), source, config)
