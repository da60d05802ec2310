"""A clip's person: their manner is learned from the clip, and goes into the head's file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from dgtalker_engine.capture import face_model
from dgtalker_engine.capture.clip import SOUND, Clip, ClipInfo, Crop, Source
from dgtalker_engine.capture.tracks import Tracks
from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.speech.hearing.moments import RATE, sound_input
from dgtalker_engine.systems.gaussiantalker.config import GaussianTalkerConfig
from dgtalker_engine.systems.gaussiantalker.job import _manner
from dgtalker_engine.systems.gaussiantalker.motion import manner
from dgtalker_engine.systems.gaussiantalker.motion.adapt import PERSON
from dgtalker_engine.systems.gaussiantalker.motion.config import AdaptationConfig
from dgtalker_engine.systems.gaussiantalker.motion.dataset import NoSpeechError
from dgtalker_engine.systems.gaussiantalker.motion.manner import Manner
from dgtalker_engine.systems.gaussiantalker.motion.person import manner_of, sample_of_clip
from dgtalker_engine.training import Run

SAMPLE = Path(__file__).resolve().parents[3] / "demo" / "sample.wav"
FRAMES, FPS = 75, 25.0


@pytest.fixture(scope="module")
def face() -> face_model.FaceModel:
    return face_model.load()


@pytest.fixture(scope="module")
def clip(face, tmp_path_factory) -> Clip:
    """Three seconds of speech, and a jaw that goes up and down; its pictures are not looked at."""
    folder = tmp_path_factory.mktemp("talk")
    sound, rate = soundfile.read(SAMPLE, dtype="float32")
    soundfile.write(folder / SOUND, sound[: 3 * rate], rate)
    expression = np.zeros((FRAMES, len(ARKIT_NAMES)), np.float32)
    expression[:, ARKIT_NAMES.index("jawOpen")] = 0.2 - 0.2 * np.cos(np.arange(FRAMES))
    tracks = Tracks(
        times=np.arange(FRAMES) / FPS,
        landmarks=np.zeros((FRAMES, 478, 3), np.float32),
        arkit=expression,
        blink=np.zeros((FRAMES, 2), np.float32),
        focal=100.0,
        head_to_camera=np.repeat(np.eye(4, dtype=np.float32)[None], FRAMES, axis=0),
        pose=np.zeros((FRAMES, len(face.joint_names), 3), np.float32),
        identity=np.zeros(len(face.identity), np.float32),
        expression=expression,
        landmark_offsets=np.zeros((478, 3), np.float32),
    )
    source = Source(name="talk.mp4", digest="", width=64, height=64, rotation=0, start=0.0, end=3.0)
    info = ClipInfo(fps=FPS, size=64, source=source, crop=Crop(x=0, y=0, side=64), kept=tuple(range(FRAMES)))
    return Clip(folder=folder, info=info, tracks=tracks)


def test_a_clip_teaches_how_its_person_speaks(clip, face):
    learned = manner_of(clip, face, AdaptationConfig(steps=3), Run())
    base = manner.load()
    assert learned.person == PERSON
    assert learned.learned_from == base.learned_from  # not the clip: its name may be a person's
    jaw = learned.names.index("jawOpen")
    assert learned.translator.get_buffer("usual")[PERSON, jaw] == pytest.approx(0.2, abs=0.05)
    assert not torch.equal(learned.translator.decoder.exit.weight, base.translator.decoder.exit.weight)


def test_what_comes_after_the_part_for_training_is_not_learned_from(clip, face):
    times = clip.tracks.times[:, None]
    changed = replace(clip.tracks, expression=np.where(times < 1.6, clip.tracks.expression, 1))
    sample = sample_of_clip(replace(clip, tracks=changed), sound_input(), until=1.6)
    assert len(sample.curves) == len(sample.heard) == 1.6 * RATE
    assert sample.curves.max() < 0.5


def test_a_mute_clip_makes_a_head_that_speaks_as_anybody_and_says_so(clip, face, tmp_path, capsys):
    mute = replace(clip, folder=tmp_path)
    with pytest.raises(NoSpeechError, match="has no sound"):
        manner_of(mute, face, AdaptationConfig(steps=1), Run())
    assert _manner(GaussianTalkerConfig(), mute, face, Run()) == {}
    assert "speak as anybody" in capsys.readouterr().err


def test_the_shipped_base_is_nobodys(face):
    base = manner.load()
    assert len(base.translator.get_buffer("usual")) == 1
    assert len(base.learned_from) > 50
    assert isinstance(base, Manner)
    assert manner.SHIPPED.stat().st_size < 4e6
