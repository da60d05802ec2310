"""The training itself, from a tracked clip to a file that the engine loads."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from speech_tools import DATA, sample

from dgtalker_engine import speech
from dgtalker_engine.capture.lip_tracks import TrackedClip
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import perform
from dgtalker_engine.speech.lipsync.encoders import (
    CHANNELS,
    EXPRESSION,
    LIP_INPUTS,
    PROSODY,
    ExpressionEncoder,
    LipEncoder,
    SoundEncoder,
)
from dgtalker_engine.speech.lipsync.weights import SHIPPED, Encoders
from dgtalker_engine.speech.whisper import model
from dgtalker_engine.systems.lipsync import dataset, expression_training, lip_training
from dgtalker_engine.systems.lipsync.__main__ import main
from dgtalker_engine.systems.lipsync.config import LipsyncConfig
from dgtalker_engine.systems.lipsync.export import export


def track(path, opening, seconds=None, volume=1.0) -> None:
    """A file as `capture.landmarks` writes it: a face of scattered points, whose lips part as far as is said."""
    samples, rate = sample()
    samples = volume * samples[: None if seconds is None else int(seconds * rate)]
    face = np.random.default_rng(2).normal(0, 60, (478, 3))
    face[[33, 263]] = (-60, 0, 0), (60, 0, 0)
    face[[13, 14, 61, 291]] = (0, 60, 0), (0, 60, 0), (-30, 60, 0), (30, 60, 0)
    times = np.arange(0, len(samples) / rate - 0.1, 0.04)
    landmarks = np.repeat(face[None], len(times), axis=0) + 300
    landmarks[:, 14, 1] += 20 * opening(times)
    np.savez(path, landmarks=landmarks, times=times, size=(600, 600), samples=samples, sample_rate=rate)


def test_training_the_face_keeps_the_sound_encoder_and_leaves_a_file_that_speaks(tmp_path, capsys):
    torch.manual_seed(0)
    scale = np.full(len(CHANNELS), 0.01, np.float32)
    out = tmp_path / "speech.safetensors"
    before = Encoders(
        sound=SoundEncoder().eval(), scale=scale, lips=LipEncoder(), expression=ExpressionEncoder(), clips=()
    )
    before.save(out)
    (tmp_path / "clips").mkdir()
    track(tmp_path / "clips" / "somebody.npz", lambda t: 0.5 + 0.5 * np.sin(7 * t))
    assert main(["-o", str(out), "--keep-sound", "--tracked", str(tmp_path / "clips")]) == 0
    assert "brows, lids and cheeks stay" in capsys.readouterr().err
    after = Encoders.load(out)
    assert after.clips == ("somebody",)
    sound = torch.zeros(1, 80, 40)
    assert torch.allclose(after.sound(sound)[0], before.sound(sound)[0], atol=0.02)
    rows = torch.ones(1, len(PROSODY) + 1, 20)
    assert torch.allclose(after.expression(rows), before.expression(rows), atol=0.01)
    assert not torch.allclose(after.lips.convolution.weight, before.lips.convolution.weight, atol=0.01)
    samples, rate = sample()
    jaw = perform(speech.animate(samples, rate, fps=25, encoders=after).take).curve("jawOpen")
    rules = perform(speech.animate(samples, rate, fps=25, encoders=None).take).curve("jawOpen")
    assert jaw.max() > 0.1
    assert np.abs(jaw - rules).max() > 0.02


def test_training_that_has_nothing_to_keep_says_so(tmp_path, capsys):
    assert main(["-o", str(tmp_path / "none.safetensors"), "--keep-sound"]) == 1
    assert "is missing" in capsys.readouterr().err


def test_clips_with_hardly_any_speech_are_named_before_the_sound_encoder_is_trained(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(dataset, "gather", lambda *_: pytest.fail("hours of work began"))
    (tmp_path / "clips").mkdir()
    track(tmp_path / "clips" / "mute.npz", lambda t: 0.5 + 0.5 * np.sin(7 * t), volume=0.0)
    track(tmp_path / "clips" / "brief.npz", lambda t: 0.5 + 0.5 * np.sin(7 * t), seconds=0.9)
    out = tmp_path / "speech.safetensors"
    assert main(["-o", str(out), "--tracked", str(tmp_path / "clips")]) == 1
    said = capsys.readouterr().err
    assert "mute has 0" in said
    assert "brief has" in said
    assert "at least 1.6 s of speech" in said
    assert not out.exists()


def test_that_whispers_model_is_missing_is_said_before_the_sound_encoder_is_trained(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(dataset, "gather", lambda *_: pytest.fail("hours of work began"))
    monkeypatch.setattr(model, "_PACKAGE", "no_such_package_of_models")
    model.installed.cache_clear()
    track(tmp_path / "somebody.npz", lambda t: 0.5 + 0.5 * np.sin(7 * t))
    assert main(["-o", str(tmp_path / "speech.safetensors"), "--tracked", str(tmp_path)]) == 1
    assert "Whisper's model is not installed" in capsys.readouterr().err


def test_a_folder_without_a_usable_clip_is_told_and_changes_nothing(tmp_path, capsys):
    out = tmp_path / "speech.safetensors"
    (tmp_path / "clips").mkdir()
    assert main(["-o", str(out), "--tracked", str(tmp_path / "clips")]) == 1
    assert "holds no clip" in capsys.readouterr().err
    track(tmp_path / "clips" / "glimpse.npz", lambda t: t, seconds=0.3)
    assert main(["-o", str(out), "--tracked", str(tmp_path / "clips")]) == 1
    assert "glimpse: left out" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("clips", [[], ["a", "b"]])
def test_a_fit_without_enough_to_learn_from_says_what_it_needs(clips):
    nothing = [
        TrackedClip(
            name=name,
            times=np.zeros(0),
            opening=np.zeros(0),
            width=np.zeros(0),
            landmarks=np.zeros((0, 478, 3)),
            samples=np.zeros(0, np.float32),
            sample_rate=16000,
        )
        for name in clips
    ]
    lips = [lip_training.LipSample(clip, np.zeros((100, LIP_INPUTS), "f4"), np.zeros(0, bool)) for clip in nothing]
    with pytest.raises(DGTalkerError, match="a has 0, b has 0" if clips else "there are none") as error:
        lip_training.fit(lips, LipsyncConfig())
    assert "s of speech" in error.value.hint
    rows, targets = np.zeros((100, len(PROSODY) + 1), "f4"), np.zeros((0, len(EXPRESSION)))
    brows = [expression_training.ExpressionSample(clip, rows, targets) for clip in nothing]
    with pytest.raises(DGTalkerError, match="from a, b" if clips else "from no clips"):
        expression_training.fit(brows, LipsyncConfig())


def test_brows_are_learned_where_a_head_is_given(tmp_path, capsys):
    head = DATA / "head"
    if not head.is_dir():
        pytest.skip(f"{head} is not here")
    out = tmp_path / "speech.safetensors"
    shutil.copy(SHIPPED, out)
    (tmp_path / "clips").mkdir()
    track(tmp_path / "clips" / "somebody.npz", lambda t: 0.5 + 0.5 * np.sin(7 * t))
    arguments = ["-o", str(out), "--keep-sound", "--tracked", str(tmp_path / "clips")]
    assert main([*arguments, "--head", str(head)]) == 0
    assert "brows, lids and cheeks learned" in capsys.readouterr().err
    assert main([*arguments, "--head", str(tmp_path)]) == 1
    assert "ict_facekit.npz" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    shipped = Encoders.load(SHIPPED)
    parts = {name: getattr(shipped, name) for name in ("sound", "scale", "lips", "expression")}
    with pytest.raises(DGTalkerError, match="cannot be written"):
        export(tmp_path / "file" / "speech.safetensors", **parts, clips=())
    written = export(tmp_path / "new" / "speech.safetensors", **parts, clips=shipped.clips)
    assert written.clips == shipped.clips
    tensors, before = load_file(tmp_path / "new" / "speech.safetensors"), load_file(SHIPPED)
    assert tensors.keys() == before.keys()
    assert all(torch.equal(tensors[name], before[name]) for name in before)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["speech.safetensors"]
