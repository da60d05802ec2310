"""Sound files: every usual kind is read, and whatever is wrong with one is one clear message."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from speech_tools import sample, speak

from dgtalker_engine import speech
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance.channels import weights as channel_weights


@pytest.mark.parametrize(
    ("name", "rate", "channels", "subtype"),
    [
        ("phone.wav", 8000, 1, "PCM_16"),
        ("studio.wav", 48000, 2, "PCM_24"),
        ("float.wav", 44100, 1, "FLOAT"),
        ("surround.wav", 48000, 6, "PCM_16"),
        ("high.flac", 96000, 2, "PCM_24"),
        ("music.mp3", 44100, 2, "MPEG_LAYER_III"),
        ("free.ogg", 22050, 1, "VORBIS"),
    ],
)
def test_reads(tmp_path, name, rate, channels, subtype):
    tone = 0.25 * np.sin(2 * np.pi * 300 * np.arange(rate) / rate)
    soundfile.write(tmp_path / name, np.repeat(tone[:, None], channels, axis=1), rate, subtype=subtype)
    samples, read_rate = speech.read_audio(tmp_path / name)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert read_rate == rate
    assert abs(len(samples) - rate) < 0.06 * rate
    assert 0.15 < np.sqrt(np.mean(samples**2)) < 0.2


def test_a_telephone_recording_still_closes_the_lips():
    samples, rate = sample()
    result = speak(samples[::2], rate // 2, fps=24)
    assert result.performance.curve("mouthPressLeft").max() > 0.1


def _truncated(path):
    samples, rate = sample()
    soundfile.write(path, samples, rate)
    path.write_bytes(path.read_bytes()[:20])


def _streamed(path):
    """A FLAC as it is written into a pipe: its header says that it has 0 samples, which means any number."""
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(48000), 16000)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)


@pytest.mark.parametrize("read", [speech.read_audio, speech.read_speech])
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("missing.wav", lambda path: None),
        ("empty.wav", lambda path: path.write_bytes(b"")),
        ("text.wav", lambda path: path.write_text("no sound at all")),
        ("cut.wav", _truncated),
        ("no samples.wav", lambda path: soundfile.write(path, np.zeros(0), 16000)),
        ("piped.flac", _streamed),
        ("folder.wav", lambda path: path.mkdir()),
    ],
)
def test_bad_files_are_one_clear_error(tmp_path, name, make, read):
    make(tmp_path / name)
    with pytest.raises(DGTalkerError) as error:
        read(tmp_path / name)
    assert name in error.value.message
    assert error.value.hint


@pytest.mark.parametrize("read", [lambda path: speech.read_audio(path)[0], speech.read_speech])
def test_a_channel_that_is_upside_down_does_not_silence_the_other(tmp_path, read):
    samples, rate = sample()
    soundfile.write(tmp_path / "right.wav", np.stack([samples, 0.9 * samples], axis=1), rate)
    soundfile.write(tmp_path / "wrong.wav", np.stack([samples, -0.9 * samples], axis=1), rate)
    right, wrong = read(tmp_path / "right.wav"), read(tmp_path / "wrong.wav")
    assert np.abs(np.abs(right.astype("f4")) - np.abs(wrong.astype("f4"))).max() < 1e-3
    assert np.abs(wrong).max() > 0.1


def test_channels_with_opposite_offsets_are_not_taken_for_upside_down():
    voice = 0.01 * np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    np.testing.assert_array_equal(channel_weights([np.stack([voice + 0.2, voice - 0.2], axis=1)]), [0.5, 0.5])


def test_two_people_on_two_channels_are_both_heard(tmp_path):
    samples, rate = sample()
    other = np.roll(samples, len(samples) // 2)
    soundfile.write(tmp_path / "both.wav", np.stack([samples, other], axis=1), rate)
    mixed, _ = speech.read_audio(tmp_path / "both.wav")
    assert np.allclose(mixed, (samples + other) / 2, atol=1e-3)
