"""The face encoders and their file: solved exactly, applied in pieces, still in silence, refused when broken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from speech_tools import sample

from dgtalker_engine.capture.lip_tracks import TrackedClip
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.speech import front_end
from dgtalker_engine.speech.analysis.activity import Span
from dgtalker_engine.speech.analysis.prosody import Syllable
from dgtalker_engine.speech.lipsync import articulation, mouth, prosody_features
from dgtalker_engine.speech.lipsync.encoders import (
    CHANNELS,
    EXPRESSION,
    EXPRESSION_TAPS,
    LIP_INPUTS,
    LIP_OUTPUTS,
    LIP_TAPS,
    PROSODY,
    SPACING,
    ExpressionEncoder,
    LipEncoder,
    SoundEncoder,
)
from dgtalker_engine.speech.lipsync.weights import Encoders
from dgtalker_engine.speech.visemes import ARTICULATORS
from dgtalker_engine.speech.whisper import features as whisper
from dgtalker_engine.speech.whisper.encoder import WIDTH
from dgtalker_engine.systems.lipsync import lip_training, ridge
from dgtalker_engine.systems.lipsync.config import LipsyncConfig
from dgtalker_engine.systems.lipsync.model import still

RANDOM = np.random.default_rng(0)


def encoders() -> Encoders:
    torch.manual_seed(0)
    scale = np.linspace(0.1, 0.3, len(CHANNELS), dtype=np.float32)
    return Encoders(
        sound=SoundEncoder().eval(),
        scale=scale,
        lips=LipEncoder().eval(),
        expression=ExpressionEncoder().eval(),
        clips=("a", "b"),
    )


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
    assert mouth.apply(back.lips, rows) == pytest.approx(mouth.apply(kept.lips, rows), abs=0.01)


def test_a_file_that_is_no_speech_model_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    for nowhere in (path, tmp_path / ("x" * 5000), tmp_path / "a\0b"):
        with pytest.raises(DGTalkerError, match="missing"):
            Encoders.load(nowhere)
    path.write_bytes(b"not at all")
    with pytest.raises(DGTalkerError, match="cannot be read"):
        Encoders.load(path)
    save_file({"scale": torch.zeros(9)}, path)
    with pytest.raises(DGTalkerError, match="no speech model of this version"):
        Encoders.load(path)
    save_file({"scale": torch.zeros(9)}, path, {"format": "dgtalker speech 3", "clips": "[]"})
    with pytest.raises(DGTalkerError, match="cannot be read"):
        Encoders.load(path)


def test_a_face_encoder_is_the_sum_that_is_written_on_paper():
    encoder = LipEncoder()
    weights = encoder.convolution.weight.detach().numpy()
    rows = RANDOM.normal(size=(80, LIP_INPUTS)).astype(np.float32)
    moment = 40
    written = np.zeros(len(LIP_OUTPUTS))
    for tap in range(LIP_TAPS):
        written += weights[:, :, tap] @ rows[moment + (tap - LIP_TAPS // 2) * SPACING]
    assert mouth.apply(encoder, rows)[moment] == pytest.approx(written, abs=1e-4)


def test_a_face_that_keeps_still_keeps_still_to_the_ends():
    encoder = LipEncoder()
    rows = np.tile(RANDOM.normal(size=(1, LIP_INPUTS)), (40, 1)).astype(np.float32)
    said = mouth.apply(encoder, rows)
    assert said == pytest.approx(np.tile(said[20], (40, 1)), abs=1e-5)
    # What it learns from has the same ends.
    windows = ridge.context_windows(rows + np.arange(40)[:, None], np.array([0.0, 0.39]), 3)
    assert windows[0, :, 0] == pytest.approx(windows[0, :, 1])
    assert windows[1, :, 2] == pytest.approx(windows[1, :, 1])


def test_a_mouth_in_pieces_is_the_whole(monkeypatch):
    samples = RANDOM.normal(0, 0.1, 4 * 16000).astype(np.float32)
    analysis = replace(front_end.analyse(samples, 16000, phones_known=[]), pauses=[Span(1.0, 2.0)])
    whole = mouth.predict(encoders(), analysis)
    assert len(whole) == 401
    monkeypatch.setattr(mouth, "_PIECE", 130)
    assert mouth.predict(encoders(), analysis) == pytest.approx(whole, abs=0.02)


def test_where_one_piece_gives_way_to_the_next_lips_do_not_jump(monkeypatch):
    samples, rate = sample()
    analysis = front_end.analyse(samples, rate, phones_known=[])
    whole = articulation.lips(mouth.predict(mouth.shipped(), analysis))
    monkeypatch.setattr(mouth, "_PIECE", 130)
    apart = articulation.lips(mouth.predict(mouth.shipped(), analysis)) - whole
    assert np.abs(np.diff(apart, axis=0)).max() < 0.7  # millimetres in 10 ms


def test_what_is_solved_for_is_found_again():
    """An encoder that is fitted to what another one answers becomes the same."""
    original, fitted = ExpressionEncoder(), ExpressionEncoder()
    times = np.arange(0.5, 20, 0.04)
    examples = []
    for _ in range(3):
        rows = RANDOM.normal(size=(2100, len(PROSODY) + 1)).astype(np.float32)
        said = mouth.apply(original, rows)
        clock = np.arange(len(said)) * 0.01
        asked = np.stack([np.interp(times, clock, said[:, i]) for i in range(len(EXPRESSION))], axis=1)
        examples.append((ridge.context_windows(rows, times, EXPRESSION_TAPS), asked))
    ridge.set_weights(fitted, ridge.solve(examples, stiffness=1e-6))
    assert fitted.convolution.weight.detach().numpy() == pytest.approx(
        original.convolution.weight.detach().numpy(), abs=0.01
    )


def test_the_closed_form_is_the_least_squares_of_all_rows_at_once():
    """Each moment counts alike, and a penalised weight is one more row that asks for 0."""
    samples = [(RANDOM.normal(size=(n, 4, 3)), RANDOM.normal(size=(n, 2))) for n in (50, 90)]
    rows = np.concatenate([windows.reshape(len(windows), -1) for windows, _ in samples])
    size = np.sqrt((rows**2).mean(axis=0)) + 0.03
    penalty = np.sqrt(len(rows) * np.where(np.repeat(np.arange(4), 3) == 3, 1e-6, 0.7)) * size
    rows = np.concatenate([rows, np.diag(penalty)])
    wanted = np.concatenate([*(targets for _, targets in samples), np.zeros((12, 2))])
    written = np.linalg.lstsq(rows, wanted, rcond=None)[0].T.reshape(2, 4, 3)
    assert ridge.solve(samples, stiffness=0.7, free=[3]) == pytest.approx(written, abs=1e-9)


def speaker(name: str) -> lip_training.LipSample:
    """Lips that follow one thing that Whisper hears, whatever the rules say."""
    rows = RANDOM.normal(size=(1200, LIP_INPUTS))
    rows = np.apply_along_axis(np.convolve, 0, rows, np.full(15, 1 / 15), "same")
    rows = np.maximum(rows, 0.0).astype(np.float32)
    rows[:, -1] = 1.0
    times = np.arange(0.3, 11.5, 0.04)
    opening = np.interp(times, np.arange(1200) * 0.01, rows[:, len(CHANNELS)]) + 0.2
    clip = TrackedClip(
        name=name,
        times=times,
        opening=opening,
        width=np.ones(len(times)),
        landmarks=np.zeros((0, 478, 3)),
        samples=np.zeros(0),
        sample_rate=16000,
    )
    return lip_training.LipSample(clip, rows, np.ones(len(times), bool))


def test_the_lip_encoder_learns_whom_to_trust():
    people = [speaker(name) for name in "abcdef"]
    encoder = lip_training.fit(people, LipsyncConfig(lip_components=WIDTH))
    held_out = speaker("d")
    said = dict(zip(ARTICULATORS, mouth.movement(encoder, held_out.rows).T, strict=True))
    opening = said["jaw"] + 0.25 * said["lower"] + 0.27 * said["upper"] + 0.42 * said["funnel"]
    clock = np.arange(len(opening)) * 0.01

    def fit(curve: np.ndarray) -> float:
        return float(np.corrcoef(np.interp(held_out.clip.times, clock, curve), held_out.clip.opening)[0, 1])

    assert fit(opening) > fit(held_out.rows[:, 0]) + 0.3


def test_lips_that_learned_from_nobody_are_those_of_the_rules():
    rows = np.abs(RANDOM.normal(0.0, 0.2, (60, LIP_INPUTS))).astype(np.float32)
    assert mouth.movement(still()[0], rows) == pytest.approx(rows[:, : len(ARTICULATORS)], abs=1e-4)


def test_where_the_mouth_rests_nothing_is_heard():
    samples = RANDOM.normal(0, 0.1, 5 * 16000).astype(np.float32)
    analysis = replace(front_end.analyse(samples, 16000, phones_known=[]), pauses=[Span(-10.0, 1.0), Span(4.0, 15.0)])
    rows = mouth.inputs(analysis, whisper.installed())
    assert np.abs(rows[:80]).max() < 1e-6
    assert np.abs(rows[150, len(CHANNELS) : -1]).max() > 0.1
    assert np.abs(rows[:, : len(CHANNELS)]).max() == 0.0
    assert rows[150, -1] == 1.0
    assert mouth.predict(encoders(), analysis)[:80].max() < 1e-6


def test_what_brows_follow_is_nothing_in_silence_and_stress_where_it_is():
    level = np.full(500, -80.0, np.float32)
    level[200:300] = -20.0
    f0 = np.full(500, np.nan, np.float32)
    f0[200:300] = np.linspace(10, 20, 100)
    rows = prosody_features.inputs(level, f0, [Syllable(2.5, 1.5, 2.0)], np.zeros(500))
    named = dict(zip((*PROSODY, "blink"), rows.T, strict=True))
    assert np.abs(rows[:100]).max() < 1e-3
    assert named["prominence"].argmax() == pytest.approx(250, abs=2)
    assert named["pitch"][280] > 0.3 > -0.3 > named["pitch"][220]
    assert named["voiced"][250] > 0.9
