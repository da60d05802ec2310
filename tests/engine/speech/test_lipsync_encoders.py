"""The face encoders and their file: solved exactly, applied in pieces, still in silence, refused when broken."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dgtalker_engine.capture.lip_tracks import TrackedClip
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.speech.analysis.activity import Span
from dgtalker_engine.speech.analysis.prosody import Syllable
from dgtalker_engine.speech.lipsync import mouth, prosody_features
from dgtalker_engine.speech.lipsync.encoders import (
    CHANNELS,
    EXPRESSION,
    LIP_INPUTS,
    PROSODY,
    SPACING,
    TAPS,
    ExpressionEncoder,
    LipEncoder,
    SoundEncoder,
)
from dgtalker_engine.speech.lipsync.features import PhoneFeatures, SoundFeatures
from dgtalker_engine.speech.lipsync.weights import Encoders
from dgtalker_engine.speech.progress import NO_PROGRESS
from dgtalker_engine.speech.visemes import ARTICULATORS
from dgtalker_engine.systems.lipsync import lip_training, ridge

RANDOM = np.random.default_rng(0)


def encoders() -> Encoders:
    torch.manual_seed(0)
    scale = np.linspace(0.1, 0.3, len(CHANNELS), dtype=np.float32)
    return Encoders(SoundEncoder().eval(), scale, LipEncoder().eval(), ExpressionEncoder().eval(), ("a", "b"))


def test_encoders_come_back_from_their_file(tmp_path):
    kept = encoders()
    kept.save(tmp_path / "x.safetensors")
    assert (tmp_path / "x.safetensors").stat().st_size < 8e6
    back = Encoders.load(tmp_path / "x.safetensors")
    assert back.clips == ("a", "b")
    assert back.scale == pytest.approx(kept.scale, abs=1e-3)
    sound = torch.from_numpy(RANDOM.normal(size=(1, 80, 100)).astype(np.float32))
    with torch.inference_mode():
        assert back.sound(sound)[0].numpy() == pytest.approx(kept.sound(sound)[0].numpy(), abs=0.02)
    rows = RANDOM.normal(size=(50, LIP_INPUTS)).astype(np.float32)
    assert mouth.applied(back.lips, rows) == pytest.approx(mouth.applied(kept.lips, rows), abs=0.01)


def test_a_file_that_is_no_speech_model_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(DGTalkerError, match="missing"):
        Encoders.load(path)
    path.write_bytes(b"not at all")
    with pytest.raises(DGTalkerError, match="cannot be read"):
        Encoders.load(path)
    save_file({"scale": torch.zeros(9)}, path)
    with pytest.raises(DGTalkerError, match="no speech model of this version"):
        Encoders.load(path)
    save_file({"scale": torch.zeros(9)}, path, {"format": "dgtalker speech 1", "clips": "[]"})
    with pytest.raises(DGTalkerError, match="cannot be read"):
        Encoders.load(path)


def test_a_face_encoder_is_the_sum_that_is_written_on_paper():
    encoder = LipEncoder()
    weights = encoder.convolution.weight.detach().numpy()
    rows = RANDOM.normal(size=(80, LIP_INPUTS)).astype(np.float32)
    moment = 40
    written = np.zeros(len(ARTICULATORS))
    for tap in range(TAPS):
        written += weights[:, :, tap] @ rows[moment + (tap - TAPS // 2) * SPACING]
    assert mouth.applied(encoder, rows)[moment] == pytest.approx(written, abs=1e-4)


def test_a_face_encoder_in_pieces_is_the_whole(monkeypatch):
    encoder = LipEncoder()
    rows = RANDOM.normal(size=(1000, LIP_INPUTS)).astype(np.float32)
    whole = mouth.applied(encoder, rows)
    monkeypatch.setattr(mouth, "_PIECE", 130)
    assert mouth.applied(encoder, rows) == pytest.approx(whole, abs=1e-5)


def test_what_is_solved_for_is_found_again():
    """Faces that an encoder made teach another one the same."""
    teacher, pupil = ExpressionEncoder(), ExpressionEncoder()
    times = np.arange(0.5, 20, 0.04)
    examples = []
    for _ in range(3):
        rows = RANDOM.normal(size=(2100, len(PROSODY) + 1)).astype(np.float32)
        said = mouth.applied(teacher, rows)
        clock = np.arange(len(said)) * 0.01
        asked = np.stack([np.interp(times, clock, said[:, i]) for i in range(len(EXPRESSION))], axis=1)
        examples.append((ridge.seen(rows, times), asked))
    ridge.give(pupil, ridge.solve(examples, stiffness=1e-6))
    assert pupil.convolution.weight.detach().numpy() == pytest.approx(
        teacher.convolution.weight.detach().numpy(), abs=0.01
    )


def speaker(name: str) -> lip_training.Example:
    """Lips that follow the jaw that is heard by ear, whatever the rules say."""
    rows = RANDOM.normal(size=(1200, LIP_INPUTS))
    rows = np.apply_along_axis(np.convolve, 0, rows, np.full(15, 1 / 15), "same")
    rows = np.maximum(rows, 0.0).astype(np.float32)
    rows[:, 2 * len(CHANNELS) :] = 0.0
    rows[:, -1] = 1.0
    times = np.arange(0.3, 11.5, 0.04)
    opening = np.interp(times, np.arange(1200) * 0.01, rows[:, len(CHANNELS)]) + 0.2
    clip = TrackedClip(name, times, opening, np.ones(len(times)), np.zeros((0, 478, 3)), np.zeros(0), 16000)
    return lip_training.Example(clip, rows, np.ones(len(times), bool))


def test_the_lip_encoder_learns_whom_to_trust():
    encoder = lip_training.teach([speaker("a"), speaker("b"), speaker("c")])
    held_out = speaker("d")
    said = dict(zip(ARTICULATORS, mouth.movement(encoder, held_out.heard).T, strict=True))
    opening = said["jaw"] + 0.25 * said["lower"] + 0.27 * said["upper"] + 0.42 * said["funnel"]
    clock = np.arange(len(opening)) * 0.01

    def fit(curve: np.ndarray) -> float:
        return float(np.corrcoef(np.interp(held_out.clip.times, clock, curve), held_out.clip.opening)[0, 1])

    assert fit(opening) > fit(held_out.heard[:, 0]) + 0.3


def test_where_nobody_speaks_nothing_is_heard_and_where_words_fail_the_encoder_is_told():
    samples = RANDOM.normal(0, 0.1, 5 * 16000).astype(np.float32)
    sound = SoundFeatures(SoundEncoder().eval(), np.ones(len(CHANNELS)))
    nothing = PhoneFeatures([], [], 5.0)
    rows = mouth.heard(samples, nothing, sound, [Span(1.0, 4.0)], [Span(2.0, 3.0)], NO_PROGRESS)
    rules, ear, rules_doubted, ear_doubted = np.split(rows[:, :-1], 4, axis=1)
    assert np.abs(rows[:80]).max() < 1e-6
    assert np.abs(ear[150]).max() > 1e-3
    assert np.abs(ear_doubted[150]).max() < 1e-6
    assert ear_doubted[250] == pytest.approx(ear[250])
    assert np.abs(rules).max() == np.abs(rules_doubted).max() == 0.0
    assert rows[150, -1] == 1.0


def test_what_brows_follow_is_nothing_in_silence_and_stress_where_it_is():
    level = np.full(500, -80.0, np.float32)
    level[200:300] = -20.0
    tone = np.full(500, np.nan, np.float32)
    tone[200:300] = np.linspace(10, 20, 100)
    rows = prosody_features.heard(level, tone, [Syllable(2.5, 1.5, 2.0)], np.zeros(500))
    named = dict(zip((*PROSODY, "blink"), rows.T, strict=True))
    assert np.abs(rows[:100]).max() < 1e-3
    assert named["prominence"].argmax() == pytest.approx(250, abs=2)
    assert named["melody"][280] > 0.3 > -0.3 > named["melody"][220]
    assert named["voiced"][250] > 0.9
