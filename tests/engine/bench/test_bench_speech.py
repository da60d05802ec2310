"""The judge of the lips: known curves get the figures they deserve."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from dgtalker_engine.capture import lip_tracks
from dgtalker_engine.performance import Performance
from dgtalker_engine.speech.analysis.activity import Span
from dgtalker_engine.speech.front_end import Analysis
from dgtalker_engine.speech.recognition.result import Recognition, SpokenPhone, SpokenWord

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from lips import scores, shapes
from lips.rig import RigLips

CLOCK = np.arange(1000) * 0.01
LIPS = 5 + 3 * np.sin(2 * np.pi * 0.7 * CLOCK) + 2 * np.sin(2 * np.pi * 1.9 * CLOCK)
PICTURES = np.arange(10, 240) / 25


def test_a_prediction_that_trails_is_told_by_how_much():
    trailing = np.interp(CLOCK - 0.06, CLOCK, LIPS)
    best, lag = scores.lagged(PICTURES, np.interp(PICTURES, CLOCK, LIPS), CLOCK, trailing)
    assert lag == pytest.approx(0.06)
    assert best > 0.999
    assert scores.correlation(LIPS, trailing) < 0.98


def test_closed_lips_are_found_by_a_prediction_that_knows_and_not_by_one_that_does_not():
    assert scores.closed_auc(LIPS, LIPS**2) == pytest.approx(1.0)
    assert scores.closed_auc(LIPS, np.random.default_rng(0).random(len(LIPS))) == pytest.approx(0.5, abs=0.08)
    assert scores.closed_auc(LIPS, np.zeros(len(LIPS))) == pytest.approx(0.5)


def test_lips_that_never_open_recall_every_closure_and_are_exposed_by_chance():
    windows = [(1.0, 1.1), (3.0, 3.1)]
    assert scores.closures(windows, PICTURES, CLOCK, np.zeros(1000)) == (1.0, 1.0)
    opening = np.where((CLOCK > 0.98) & (CLOCK < 1.08), 0.0, 5.0)
    recall, chance = scores.closures(windows, PICTURES, CLOCK, opening)
    assert recall == 0.5
    assert chance < 0.05


def test_the_rig_opens_with_its_jaw_closes_with_mouth_close_and_narrows_with_a_pucker():
    names = ("jawOpen", "mouthClose", "mouthPucker", "mouthStretchLeft", "mouthStretchRight")
    weights = np.array([[0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 1]], "f4")
    opening, width = RigLips().measure(Performance(25.0, names, weights))
    assert opening[0] < 0.5
    assert opening[1] > 15
    assert opening[2] < 0.3 * opening[1]
    assert width[0] == pytest.approx(48, abs=2)
    assert width[3] < width[0] - 3 < width[0] + 3 < width[4]


SPOKEN = {"AA": 1.0, "IY": 1.3, "F": 1.6, "UW": 1.9, "AE": 2.2, "S": 2.5}
"""When each phone of 0.2 s begins; it is silent before 1 s and after 2.8 s."""


def said(**weights: dict[str, float]) -> Performance:
    """A performance with some weights while a phone is spoken, lips leading the sound, and else at rest."""
    names = tuple(sorted({name for pose in weights.values() for name in pose}))
    curves = np.zeros((400, len(names)), np.float32)
    for phone, pose in weights.items():
        first = round(100 * (SPOKEN[phone] - 0.06))
        curves[first : first + 20] = [pose.get(name, 0.0) for name in names]
    return Performance(100.0, names, curves)


def test_a_mouth_that_rests_opens_rounds_and_bites_is_told_from_one_that_hangs_open():
    analysis = Analysis(
        samples=np.zeros(4 * 16000, np.float32),
        level=np.zeros(401, np.float32),
        chunks=[],
        utterances=[],
        recognition=Recognition(
            phones=[SpokenPhone(name, start, start + 0.2) for name, start in SPOKEN.items()],
            words=[SpokenWord("all", 1.0, 2.8)],
        ),
        f0=np.zeros(401, np.float32),
        syllables=[],
        pauses=[Span(-10.0, 1.0), Span(2.8, 14.0)],
    )
    lips = RigLips()
    good = said(
        AA={"jawOpen": 0.4},
        IY={"jawOpen": 0.15},
        F={"mouthRollLower": 0.4, "mouthUpperUpLeft": 0.4, "mouthUpperUpRight": 0.4},
        UW={"jawOpen": 0.08, "mouthPucker": 0.6, "mouthFunnel": 0.2},
        AE={"jawOpen": 0.4},
        S={"jawOpen": 0.1},
    )
    told = shapes.figures(good, analysis, lips)
    assert [told[name] for name in ("vowel_order", "rounding", "fv_contact", "shut_vowels")] == [1.0, 1.0, 1.0, 0.0]
    assert told["jaw_rest"] < 0.03 < 0.1 < told["jaw_speech"]
    assert told["frame_1"] < 0.5 > told["mm_rest"]
    hanging = Performance(100.0, ("jawOpen",), np.full((400, 1), 0.25, np.float32))
    told = shapes.figures(hanging, analysis, lips)
    assert [told[name] for name in ("vowel_order", "rounding", "fv_contact", "shut_vowels")] == [0.5, 0.5, 0.0, 0.0]
    assert told["jaw_rest"] == told["jaw_speech"] == pytest.approx(0.25)
    assert told["frame_1"] > 3.0
    shut = shapes.figures(said(AA={"jawOpen": 0.0}), analysis, lips)
    assert shut["shut_vowels"] == 1.0


def test_turning_and_nearing_the_head_does_not_move_tracked_lips():
    rng = np.random.default_rng(1)
    face = rng.normal(size=(478, 3)) * 50
    faces = []
    for i in range(5):
        angle = 0.1 * i
        turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
        faces.append((1 + 0.1 * i) * face @ turn.T + 30 * i)
    still = lip_tracks.without_head_motion(np.stack(faces))
    assert np.abs(still - still[0]).max() < 1e-6
