"""Made-up people who speak: sounds that say when a mouth is open, in voices and manners of their own."""

from __future__ import annotations

import numpy as np
import torch

from dgtalker_engine.speech.hearing.moments import PHONE_INPUTS, RATE, Heard
from dgtalker_engine.systems.gaussiantalker.motion.config import MotionConfig
from dgtalker_engine.systems.gaussiantalker.motion.dataset import Sample
from dgtalker_engine.systems.gaussiantalker.motion.model import MOTION_NAMES

WIDTH, WORDS = 6, 4
JAW = MOTION_NAMES.index("jawOpen")
TINY = MotionConfig(
    steps=100, batch=4, crop=1.0, width=8, layers=1, heads=2, reach=0.1, dropout=0.0, weight_decay=0.0,
    learning_rate=1e-2, segments=4,
)  # fmt: skip


def lips() -> torch.Tensor:
    """Curves to five vertices (N, 5, 3), metres."""
    return torch.from_numpy(np.random.default_rng(0).normal(0, 0.003, (len(MOTION_NAMES), 5, 3)).astype("f4"))


def person(name: str, opens: float, *, seed: int = 0, seconds: float = 6.0, late: float = 0.0) -> Sample:
    """Somebody who opens the mouth so far, from a usual 0.1, at each other syllable that is heard."""
    random = np.random.default_rng(seed)
    count = round(seconds * RATE)
    said = np.repeat(random.integers(0, WORDS, count // 8 + 1), 8)[:count]
    words = np.eye(WORDS, dtype=np.float32)[said]
    opened = np.convolve(said >= WORDS // 2, np.ones(3) / 3, "same")
    voices = [np.concatenate([words, np.full((count, 2), voice)], axis=1) for voice in (seed, seed + 0.7)]
    sound = np.stack(voices) + random.normal(0, 0.05, (2, count, WIDTH))
    phones = np.zeros((count, PHONE_INPUTS), np.float32)
    phones[:, 0], phones[:, -2:] = 0.4 * opened, 1.0
    curves = np.full((count, len(MOTION_NAMES)), 0.05, np.float32)
    curves[:, JAW] = 0.1 + opens * np.roll(opened, round(late * RATE))
    heard = Heard(phones=phones, sound=sound.astype("f4"), words=words, speaking=np.ones(count, bool))
    return Sample(name, name, heard, curves, np.ones(count, np.float32))
