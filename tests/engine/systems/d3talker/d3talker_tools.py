"""A head that is trained in seconds, and a sound that says how far its jaw is open."""

from __future__ import annotations

import numpy as np

from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.speech.hearing.moments import OWN, PHONE_INPUTS, RATE, Heard, sound_of
from dgtalker_engine.systems.d3talker.config import D3TalkerConfig
from dgtalker_engine.training.clip_frames import ClipFrames

TINY = D3TalkerConfig(
    steps=24,
    share=0.8,
    pretrained=False,
    face_gaussians=2500,
    hair_gaussians=900,
    most_gaussians=4700,
    neck_gaussians=500,
    density_rounds=2,
    levels=2,
    finest=32,
    table_entries=512,
    code=8,
    regions=8,
)
WIDTH = sound_of(OWN).width
JAW = ARKIT_NAMES.index("jawOpen")


def sound(frames: ClipFrames) -> Heard:
    """What is heard of a clip's jaw."""
    times = frames.tracks.times
    count = round(float(times[-1]) * RATE) + 1
    features = np.zeros((count, WIDTH), np.float32)
    features[:, 0] = np.interp(np.arange(count) / RATE, times, frames.tracks.expression[:, JAW])
    return Heard(
        phones=np.ones((count, PHONE_INPUTS), np.float32),
        sound=features[None],
        words=np.zeros((count, 1), np.float32),
        speaking=np.ones(count, bool),
    )
