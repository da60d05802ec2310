"""Where the hair's shell ends: skin is the face model's, hair is the shell's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dgtalker_engine.capture.face_model import Region
from dgtalker_engine.capture.mesh_raster import rasterize
from dgtalker_engine.capture.regions import project
from dgtalker_engine.training.bound_gaussians import hairline
from dgtalker_engine.training.bound_gaussians.hairline import without_skin
from dgtalker_engine.training.bound_gaussians.shell import Shell, fit_shell
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.head_evaluation import turned

SKIN = (Region.SKIN, Region.UPPER_FACE)


@pytest.fixture(scope="module")
def shell(frames: ClipFrames) -> Shell:
    return fit_shell(frames)


def covered(frames: ClipFrames, shell: Shell, regions: tuple[Region, ...], yaw: float = 0) -> float:
    """How much of what a view shows of these regions the shell lies before."""
    camera, model = turned(frames.camera(0), yaw, 0), frames.face_model
    faces = model.faces.numpy()
    vertices = np.concatenate([frames.vertices(0).numpy(), shell.vertices])
    both = np.concatenate([faces, shell.faces + len(model.neutral)])
    place = project(camera, vertices)
    face, drawn = (rasterize(*place, each, frames.size, frames.size).triangles for each in (faces, both))
    there = (face >= 0) & np.isin(model.regions.numpy()[face], regions)
    return float((drawn[there] >= len(faces)).mean())


@pytest.mark.parametrize("yaw", [0, -50, 50])
def test_skin_that_frames_show_lies_under_no_hair_from_any_side(frames: ClipFrames, shell: Shell, yaw: float) -> None:
    before, after = (covered(frames, each, SKIN, yaw) for each in (shell, without_skin(shell, frames)))
    assert before > 0.08
    assert after < 0.4 * before


@pytest.mark.parametrize("yaw", [0, -50, 50])
def test_hair_stays(frames: ClipFrames, shell: Shell, yaw: float) -> None:
    before, after = (covered(frames, each, (Region.SCALP,), yaw) for each in (shell, without_skin(shell, frames)))
    assert before > 0.9
    assert after > 0.9 * before


def test_what_is_left_hangs_together(frames: ClipFrames, shell: Shell) -> None:
    faces = without_skin(shell, frames).faces
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, which, times = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    assert ((times[which] > 1).reshape(3, -1).sum(axis=0) > 1).all()


def test_hair_of_the_skins_colour_stays(frames: ClipFrames, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).normal(0.5, 0.03, frames.frame(0).shape).astype(np.float32)
    grey = torch.from_numpy(noise)
    monkeypatch.setattr(frames, "frame", lambda index: grey)
    assert len(without_skin(shell, frames).faces) > 0.97 * len(shell.faces)


def test_a_tuft_over_skin_goes_and_a_bun_stays() -> None:
    def band(count: int, first: int) -> np.ndarray:
        return first + (np.arange(count)[:, None] + np.arange(3)) % count

    hair, tuft, bun = band(400, 0), band(8, 1000), band(8, 2000)
    faces = np.concatenate([hair, tuft, bun])
    over_skin = np.isin(faces[:, 0], tuft)
    kept = hairline._without_scraps(faces, np.ones(len(faces), bool), over_skin)
    assert (kept == ~over_skin).all()
    assert not hairline._without_scraps(faces, np.zeros(len(faces), bool), over_skin).any()


def test_where_there_is_no_hair_there_is_none(frames: ClipFrames) -> None:
    nothing = Shell(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64))
    assert without_skin(nothing, frames) is nothing


def test_behind_the_head_hair_ends_in_no_spikes(shell: Shell) -> None:
    corners = shell.vertices[shell.faces]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    assert longest[corners[..., 1].mean(axis=1) > 0].max() < 0.014
