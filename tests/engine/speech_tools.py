"""What the tests of speech share: the bundled sample, real sentences, and how far apart the lips are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dgtalker_engine import speech
from dgtalker_engine.performance import Direction, Performance, Take, perform

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("DGTALKER_DATA", REPOSITORY.parent / "shared" / "data"))
SAMPLE = REPOSITORY / "tests" / "demo" / "sample.wav"
TEXT = (REPOSITORY / "tests" / "demo" / "sample.txt").read_text(encoding="utf-8")
"""What is said in the sample."""

RATE = 16000

SAMPLE_CLOSURES = {
    "my": (1.178, 1.212),
    "movie": (1.801, 1.848),
    "big": (2.236, 2.301),
    "purple, the first": (2.498, 2.578),
    "purple, the second": (2.673, 2.771),
}
"""When the synthesiser of the sample speaks its M, B and P, seconds; its own figures, not those of the recogniser."""


def sample() -> tuple[np.ndarray, int]:
    return speech.read_audio(SAMPLE)


def real_speech(name: str) -> tuple[np.ndarray, int]:
    path = DATA / "speech" / name
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return speech.read_audio(path)


@dataclass(frozen=True)
class Spoken:
    """A recording heard and performed."""

    take: Take
    performance: Performance
    notes: tuple[str, ...]


def speak(
    samples: np.ndarray,
    rate: float,
    fps: float,
    passages: Sequence[speech.Passage] = (),
    directions: Sequence[Direction] = (),
) -> Spoken:
    heard = speech.animate(samples, rate, fps=fps, passages=passages)
    return Spoken(heard.take, perform(heard.take, directions), heard.notes)


_OPENS = {
    "jawOpen": 1.0,
    "mouthFunnel": 0.42,
    "mouthLowerDownLeft": 0.10,
    "mouthLowerDownRight": 0.10,
    "mouthUpperUpLeft": 0.11,
    "mouthUpperUpRight": 0.11,
    "mouthClose": -1.19,
    "mouthPressLeft": -0.04,
    "mouthPressRight": -0.04,
    "mouthRollLower": -0.11,
}


def lip_gap(performance: Performance) -> np.ndarray:
    """Distance between the lips, 1 where jawOpen alone is 1: the sum of ICT-FaceKit's movements of the inner lips."""
    return np.maximum(sum(size * performance.curve(name) for name, size in _OPENS.items()), 0.0)


def teeth_gap(performance: Performance) -> np.ndarray:
    """Distance of the lower lip from the upper teeth, which are where the upper lip rests, in the same units."""
    lower = {name: size for name, size in _OPENS.items() if "UpperUp" not in name}
    return np.maximum(sum(size * performance.curve(name) for name, size in lower.items()), 0.0)


def around(performance: Performance, start: float, end: float) -> slice:
    """Frames from 0.1 s before `start` (lips lead the sound) to `end`."""
    return slice(max(int((start - 0.1) * performance.fps), 0), int(end * performance.fps) + 1)
