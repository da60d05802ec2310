"""From a film to a head on the command line, with FLAME in place of the engine's own face model."""

from __future__ import annotations

from dataclasses import replace

import made_videos as made
import numpy as np
import pytest
from flame_file import flame_arrays, write_pickle

from dgtalker_engine import avatar, systems
from dgtalker_engine.capture import pipeline, ready
from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.fitted_face_model import fitted_face_model
from dgtalker_engine.cli.main import main
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rig import ARKIT_NAMES, Surface
from dgtalker_engine.systems.gaussiantalker.dub import Dubber
from dgtalker_engine.systems.gaussiantalker.job import train_job

CONFIG = {"steps": 30, "face_gaussians": 1500, "hair_gaussians": 300, "neck_gaussians": 100, "most_gaussians": 2000,
          "density_control": False, "manner": False}  # fmt: skip
CONSENT = ("--consent", "synthetic", "--subject", "Nobody")


@pytest.fixture(scope="module")
def made_clip(tmp_path_factory):
    """FLAME's file, and a clip that was captured with it."""
    try:
        ready.check()
    except DGTalkerError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("flame")
    file = folder / "generic_model.pkl"
    write_pickle(file, flame_arrays())
    film = made.write_video(folder / "talking.mp4", made.talking(32))
    words = ["capture", str(film), "-o", str(folder / "clip"), "--size", "128", "--face-model", str(file)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "refine", lambda clip, model, progress: clip.tracks)  # quick: it has tests of its own
        assert main(words) == 0
    return file, folder / "clip"


def test_a_clip_says_which_face_model_it_was_fitted_with_and_that_sees_what_the_face_does(made_clip):
    file, folder = made_clip
    clip = Clip.load(folder)
    assert clip.info.face_model == "flame"
    assert clip.info.face_model_file == str(file)
    jaw = clip.tracks.expression[:, ARKIT_NAMES.index("jawOpen")]
    jaws = np.array((0.0, 0.2, 0.4, 0.6, 0.6, 0.4, 0.2, 0.0) * 4)
    assert np.corrcoef(jaw, jaws[clip.info.kept,])[0, 1] > 0.9
    assert "flame" in (folder / "report.html").read_text()


def test_a_head_is_trained_with_it_and_its_file_is_like_any_other(made_clip, tmp_path, monkeypatch):
    def quick(request, run):
        return train_job(replace(request, config=CONFIG), run)

    monkeypatch.setitem(systems.TRAINERS, "gaussiantalker", quick)
    output = tmp_path / "robin.dgt"
    assert main(["train", str(made_clip[1]), "--system", "gaussiantalker", "-o", str(output), *CONSENT]) == 0
    head = avatar.load(output)
    assert head.rig.names[: len(ARKIT_NAMES)] == ARKIT_NAMES
    names, rest = list(head.rig.names), head.pose(head.rig.defaults).means.numpy()

    def moved(name: str) -> np.ndarray:
        weights = np.array(head.rig.defaults)
        weights[names.index(name)] = 1
        return head.pose(weights).means.numpy() - rest

    assert moved("jawOpen")[:, 2].min() < -0.015
    assert np.quantile(np.linalg.norm(moved("headTurn"), axis=1), 0.3) > 0.01
    assert np.linalg.norm(moved("gazeSide"), axis=1).max() > 0.003
    mesh = head.proxy
    lips = np.unique(mesh.faces[mesh.surfaces == Surface.LIPS, :3])
    assert mesh.deltas[names.index("jawOpen"), lips, 2].min() < -0.015
    assert np.abs(mesh.deltas[names.index("gazeSide")]).max() < 0.01, "eyes turn by their joints"
    clip = Clip.load(made_clip[1])
    dubber = Dubber.of(clip, fitted_face_model(clip.info), avatar.load(output))
    opens = dubber.face.displacements()[ARKIT_NAMES.index("jawOpen")].norm(dim=1)[dubber.face.faces].mean(dim=1)
    assert (dubber.shares[opens.numpy() > 0.005] == 1).all()
    picture, mask = dubber.frame(0, {"jawOpen": 0.8}, None)
    changed = np.abs(picture.astype(int) - clip.frame(0)).max(axis=2)
    assert changed[mask > 0].max() > 40
    assert not changed[mask == 0].any()


def test_a_clip_whose_face_model_is_gone_is_not_trained(made_clip, tmp_path, capsys):
    file, folder = made_clip
    moved = file.rename(tmp_path / "moved.pkl")
    words = ["train", str(folder), "--system", "gaussiantalker", "-o", str(tmp_path / "head.dgt"), *CONSENT]
    try:
        assert main(words) == 1
        said = capsys.readouterr().err
        assert str(file) in said
        assert "--face-model FILE" in said
        assert not (tmp_path / "head.dgt").exists()
    finally:
        moved.rename(file)
