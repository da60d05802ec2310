"""Poses refined on pictures, against films whose truth is known."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from made_faces import made_face
from scipy.spatial.transform import Rotation

from dgtalker_engine.capture import face_model, pictures
from dgtalker_engine.capture.clip import Clip, ClipInfo, Crop, Source, frame_path, mask_path, write_info
from dgtalker_engine.capture.mesh_raster import rasterize
from dgtalker_engine.capture.photometric import refine, refinement, scene
from dgtalker_engine.capture.photometric.equations import pose_equations, pose_equations_reference
from dgtalker_engine.capture.photometric.ridge import foretell
from dgtalker_engine.capture.photometric.tracking import moved, steps_between
from dgtalker_engine.capture.regions import project
from dgtalker_engine.capture.tracks import Tracks
from dgtalker_engine.errors import Cancelled, DGTalkerError

FRAMES, SIZE = 12, 256
UNSEEN = (5, 9)


def ignore(done: float, what: str) -> None:
    pass


@dataclasses.dataclass(frozen=True)
class Film:
    """A clip of a made face whose poses are wrong by about a degree, and the true ones (T, 4, 4)."""

    clip: Clip
    truth: np.ndarray


def made_film(folder: Path) -> Film:
    random = np.random.default_rng(3)
    face, model = made_face(frames=FRAMES, size=SIZE), face_model.load()
    expression = torch.from_numpy(face.expression)
    vertices = model.vertices(torch.from_numpy(face.identity), expression).numpy()
    neutral = model.neutral.numpy()
    waves = random.standard_normal((12, 3, 3)) * 60
    colours = 0.5 + 0.12 * np.sin(neutral @ waves.transpose(0, 2, 1) + random.uniform(0, 6, (12, 1, 3))).sum(0)
    faces = model.faces.numpy()
    begun = moved(face.head_to_camera, random.standard_normal((FRAMES, 6)) * np.repeat([0.015, 0.001], 3))
    tracks = Tracks(
        times=face.times,
        landmarks=face.landmarks,
        arkit=face.expression,
        blink=face.blink,
        focal=face.focal,
        head_to_camera=begun.astype(np.float32),
        pose=np.zeros((FRAMES, 2, 3), np.float32),
        identity=face.identity,
        expression=face.expression,
        landmark_offsets=model.landmark_bias.numpy(),
    )
    for name in ("frames", "masks"):
        (folder / name).mkdir()
    behind = np.linspace(0.2, 0.8, SIZE)[None, :, None] * np.array([0.3, 1, 0.5])
    info = ClipInfo(
        fps=25.0,
        size=SIZE,
        source=Source(name="made.mp4", digest="", width=SIZE, height=SIZE, rotation=0, start=0.0, end=FRAMES / 25),
        crop=Crop(x=0, y=0, side=SIZE),
        kept=tuple(range(FRAMES)),
    )
    tracks.save(folder / "tracks.safetensors")
    write_info(folder, info)
    for frame in range(FRAMES):
        camera = Clip(folder=folder, info=info, tracks=tracks).camera(frame)
        camera = dataclasses.replace(camera, world_to_camera=face.head_to_camera[frame])
        raster = rasterize(*project(camera, vertices[frame]), faces, SIZE, SIZE)
        seen = raster.triangles >= 0
        picture = np.broadcast_to(behind, (SIZE, SIZE, 3)).copy()
        corners = colours[faces[raster.triangles[seen]]]
        picture[seen] = np.einsum("nk,nkc->nc", raster.barycentrics[seen], corners)
        picture = (picture.clip(0, 1) * 255).round().astype(np.uint8)
        frame_path(folder, frame).write_bytes(pictures.encode_jpeg(picture))
        mask_path(folder, frame).write_bytes(pictures.encode_png(seen.astype(np.uint8) * 255))
    return Film(Clip.load(folder), face.head_to_camera)


def turn_errors(poses: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Degrees (T,) beside the truth, but for a turn that is the same in all frames: the face's shape explains that."""
    apart = Rotation.from_matrix(poses[:, :3, :3].transpose(0, 2, 1).astype(np.float64) @ truth[:, :3, :3])
    return np.degrees((apart * apart.mean().inv()).magnitude())


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return made_film(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
def refined(film: Film) -> Tracks:
    """Refined without the pictures of two frames, which are gone."""
    used = [frame for frame in range(FRAMES) if frame not in UNSEEN]
    kept = {
        path: path.read_bytes()
        for frame in UNSEEN
        for path in (film.clip.frame_path(frame), film.clip.mask_path(frame))
    }
    for path in kept:
        path.unlink()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(refinement, "_ROUNDS", ((60, 1),) * 4)
            return refine(film.clip, face_model.load(), ignore, frames=used)
    finally:
        for path, data in kept.items():
            path.write_bytes(data)


def test_poses_are_found_on_the_pictures(film: Film, refined: Tracks) -> None:
    used = np.setdiff1d(np.arange(FRAMES), UNSEEN)
    before = turn_errors(film.clip.tracks.head_to_camera[used], film.truth[used])
    after = turn_errors(refined.head_to_camera[used], film.truth[used])
    assert before.mean() > 0.8
    assert after.mean() < 0.25 * before.mean()


def test_refined_heads_move_more_evenly_than_the_landmarks_did(film: Film, refined: Tracks) -> None:
    def jitter(poses: np.ndarray) -> float:
        steps = steps_between(poses[:1].astype(np.float64), poses.astype(np.float64))
        return float(np.abs(np.diff(steps, 2, axis=0)).mean())

    assert jitter(refined.head_to_camera[:5]) < 0.5 * jitter(film.clip.tracks.head_to_camera[:5])


def test_only_poses_change(film: Film, refined: Tracks) -> None:
    for field in dataclasses.fields(Tracks):
        if field.name != "head_to_camera":
            np.testing.assert_array_equal(getattr(refined, field.name), getattr(film.clip.tracks, field.name))


def test_what_changes_in_unseen_frames_is_foretold_from_landmarks() -> None:
    face, model = made_face(frames=100, size=SIZE, noise=0.2), face_model.load()
    random = np.random.default_rng(5)
    # The head's pitch was mistaken for the jaw's opening.
    steps = np.zeros((100, 6))
    steps[:, 0] = 0.03 * face.expression[:, 17]
    tracks = Tracks(
        times=face.times, landmarks=face.landmarks, arkit=face.expression, blink=face.blink, focal=face.focal,
        head_to_camera=moved(face.head_to_camera, -steps).astype(np.float32), pose=np.zeros((100, 2, 3), np.float32),
        identity=face.identity, expression=face.expression, landmark_offsets=model.landmark_bias.numpy(),
    )  # fmt: skip
    used = np.sort(random.choice(100, 80, replace=False))
    unseen = np.setdiff1d(np.arange(100), used)
    foretold = foretell(tracks, model, SIZE, used, steps[used])
    missed = np.abs(foretold[unseen] - steps[unseen]).mean()
    assert missed < 0.4 * np.abs(steps[unseen] - steps[used].mean(0)).mean()


def test_the_kernel_adds_up_what_the_reference_does() -> None:
    random = np.random.default_rng(2)
    rgb, wanted, behind = random.random((3, 20, 24, 3)).astype(np.float32)
    alpha, weights = random.random((2, 20, 24)).astype(np.float32)
    alpha[5:9, 5:12] = 0
    depth = np.where(alpha > 0, 0.7 + 0.1 * random.random((20, 24)), 1e10).astype(np.float32)
    camera = np.array([300.0, 11.0, 9.5, 0.02, -0.01, 0.8])
    fast = pose_equations(rgb, alpha, depth, wanted, behind, weights, camera)
    slow = pose_equations_reference(rgb, alpha, depth, wanted, behind, weights, camera)
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * np.abs(other).max())


def test_a_step_and_what_lies_between_are_each_others_inverse() -> None:
    truth, steps = made_face(frames=6).head_to_camera, np.random.default_rng(0).normal(0, 0.05, (6, 6))
    np.testing.assert_allclose(steps_between(truth, moved(truth, steps)), steps, atol=1e-9)


def test_refining_can_be_cancelled(film: Film) -> None:
    def cancel(done: float, what: str) -> None:
        if done > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        refine(film.clip, face_model.load(), cancel)


def test_masks_without_a_person_are_refused_with_a_word(film: Film, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    shutil.copytree(film.clip.folder, folder)
    for path in (folder / "masks").iterdir():
        path.write_bytes(pictures.encode_png(np.zeros((SIZE, SIZE), np.uint8)))
    with pytest.raises(DGTalkerError, match="head was not found"):
        refine(Clip.load(folder), face_model.load(), ignore)


def test_long_clips_are_refined_as_short_ones(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their pictures are not kept in memory."""
    used = np.arange(3)
    monkeypatch.setattr(refinement, "_ROUNDS", ((5, 1),))
    kept = refine(film.clip, face_model.load(), ignore, frames=used)
    monkeypatch.setattr(scene, "_KEPT", 1)
    np.testing.assert_array_equal(
        refine(film.clip, face_model.load(), ignore, frames=used).head_to_camera, kept.head_to_camera
    )


def test_two_frames_are_too_few(film: Film) -> None:
    with pytest.raises(DGTalkerError, match="from 3 frames"):
        refine(film.clip, face_model.load(), ignore, frames=[0, 1])
