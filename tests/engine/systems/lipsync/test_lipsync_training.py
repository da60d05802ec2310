"""The training itself, from a tracked clip to a file that the engine loads."""

from __future__ import annotations

import numpy as np
import torch
from speech_tools import sample

from dgtalker_engine import speech
from dgtalker_engine.performance import perform
from dgtalker_engine.speech.lipsync.encoders import CHANNELS, ExpressionEncoder, LipEncoder, SoundEncoder
from dgtalker_engine.speech.lipsync.weights import Encoders
from dgtalker_engine.systems.lipsync.__main__ import main


def track(path, opening) -> None:
    """A file as tests/bench/lips/track.py writes it: a face of scattered points, whose lips part as far as is said."""
    samples, rate = sample()
    face = np.random.default_rng(2).normal(0, 60, (478, 3))
    face[[33, 263]] = (-60, 0, 0), (60, 0, 0)
    face[[13, 14, 61, 291]] = (0, 60, 0), (0, 60, 0), (-30, 60, 0), (30, 60, 0)
    times = np.arange(0, len(samples) / rate - 0.1, 0.04)
    landmarks = np.repeat(face[None], len(times), axis=0) + 300
    landmarks[:, 14, 1] += 20 * opening(times)
    np.savez(path, landmarks=landmarks, times=times, size=(600, 600), samples=samples, sample_rate=rate)


def test_training_the_face_keeps_the_ear_and_leaves_a_file_that_speaks(tmp_path, capsys):
    torch.manual_seed(0)
    scale = np.full(len(CHANNELS), 0.01, np.float32)
    out = tmp_path / "speech.safetensors"
    before = Encoders(SoundEncoder().eval(), scale, LipEncoder(), ExpressionEncoder(), ())
    before.save(out)
    (tmp_path / "clips").mkdir()
    track(tmp_path / "clips" / "somebody.npz", lambda t: 0.5 + 0.5 * np.sin(7 * t))
    assert main(["-o", str(out), "--keep-sound", "--tracked", str(tmp_path / "clips")]) == 0
    assert "brows are not learned" in capsys.readouterr().err
    after = Encoders.load(out)
    assert after.clips == ("somebody",)
    sound = torch.zeros(1, 80, 40)
    assert torch.allclose(after.sound(sound)[0], before.sound(sound)[0], atol=0.02)
    samples, rate = sample()
    jaw = perform(speech.animate(samples, rate, fps=25, encoders=after).take).curve("jawOpen")
    rules = perform(speech.animate(samples, rate, fps=25, encoders=None).take).curve("jawOpen")
    assert jaw.max() > 0.1
    assert np.abs(jaw - rules).max() > 0.02


def test_training_that_has_nothing_to_keep_says_so(tmp_path, capsys):
    assert main(["-o", str(tmp_path / "none.safetensors"), "--keep-sound"]) == 1
    assert "is missing" in capsys.readouterr().err
