"""A person's manner: kept in files and in heads, and what speech moves a mouth by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from motion_tools import TINY, WIDTH, person

from dgtalker_engine import avatar as avatars
from dgtalker_engine import speech
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.speech.hearing import moments
from dgtalker_engine.speech.lipsync.encoders import CHANNELS, CLASSES
from dgtalker_engine.systems.gaussiantalker.motion import manner
from dgtalker_engine.systems.gaussiantalker.motion.manner import Manner
from dgtalker_engine.systems.gaussiantalker.motion.model import MOTION_NAMES, MotionTranslator

SAMPLE = Path(__file__).resolve().parents[3] / "demo" / "sample.wav"


def made_manner(width: int = WIDTH, sound: str = "made up") -> Manner:
    torch.manual_seed(3)
    return Manner(MotionTranslator(TINY, width, 2).eval(), 2, sound, ("one", "two"))


def test_a_manner_comes_back_from_its_file(tmp_path):
    made = made_manner()
    manner.save(made, tmp_path / "manner.safetensors")
    back = manner.load(tmp_path / "manner.safetensors")
    assert (back.sound, back.learned_from) == ("made up", ("one", "two"))
    assert back.translator.config == TINY
    heard = person("somebody", 0.3).heard
    assert back.curves(heard) == pytest.approx(made.curves(heard), abs=0.02)


def test_a_file_holds_nobody_but_its_person():
    tensors = made_manner().tensors()
    assert len(tensors["motion.identity.weight"]) == len(tensors["motion.usual"]) == 2


def test_a_long_sound_is_moved_piece_by_piece_as_in_one(monkeypatch):
    made, heard = made_manner(), person("somebody", 0.3).heard
    whole = made.curves(heard)
    monkeypatch.setattr(manner, "PIECE", 70)
    assert made.curves(heard) == pytest.approx(whole, abs=1e-5)


def test_a_head_carries_a_manner_and_is_the_same_head_to_who_does_not_know_it():
    head = avatars.builtin("robin")
    assert manner.of_avatar(head) is None
    data = avatars.pack(avatars.load(head), made_manner().extras())
    back = manner.of_avatar(data)
    assert back is not None
    assert back.learned_from == ("one", "two")
    plain, with_it = avatars.load(avatars.pack(avatars.load(head))), avatars.load(data)
    assert np.array_equal(plain.pose(plain.rig.defaults).means, with_it.pose(with_it.rig.defaults).means)
    assert with_it.metadata.hash != plain.metadata.hash


def test_what_is_no_manner_is_refused(tmp_path):
    with pytest.raises(DGTalkerError, match="No such file"):
        manner.load(tmp_path / "nothing.safetensors")
    tensors = made_manner().tensors()
    del tensors["motion.usual"]
    with pytest.raises(DGTalkerError, match="cannot be read"):
        Manner.from_tensors(tensors)


def test_speech_moves_the_mouth_in_a_manner():
    sound, rate = speech.read_audio(SAMPLE)
    own = made_manner(len(CHANNELS) + CLASSES, moments.OWN)
    own.translator.get_buffer("usual").fill_(0.5)
    answer = speech.animate(sound[: 2 * rate], rate, fps=30, manner=own)
    assert answer.take.names == MOTION_NAMES
    assert answer.take.weights.shape == (60, len(MOTION_NAMES))
    assert (answer.take.weights.std(axis=0) > 0.02).sum() > 10
