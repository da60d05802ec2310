"""From sound to a Performance: the whole way."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DGTalkerError
from ..performance import Performance
from ..rig import ARKIT_NAMES, HEAD_NAMES
from . import activity, coarticulation, life, phones, prosody, sound, visemes
from .passages import Passage, amount
from .progress import Progress, ProgressCall

_FRAMES = 256
_NAMES = ARKIT_NAMES + HEAD_NAMES
_LIMITS = np.radians([15.0, 12.0, 10.0])


@dataclass(frozen=True)
class Speech:
    """A Performance of the 52 ARKit controls and `rig.HEAD_NAMES`, and sentences for the user about it."""

    performance: Performance
    notes: tuple[str, ...]


def animate(
    samples: np.ndarray,
    sample_rate: float,
    *,
    fps: float,
    passages: Sequence[Passage] = (),
    progress: ProgressCall | None = None,
) -> Speech:
    """Makes a face speak a recording.

    The motion is a continuous function of time and is sampled at `i / fps`; the last frame lies before the end of the
    sound: frames = ceil(duration · fps). The same sound gives the same motion every time.

    Args:
        samples: mono float32 PCM (n,), full scale ±1.
        sample_rate: Hz.
        fps: frames per second of the Performance, any value from 1 to 1000.
        passages: settings and transcripts of stretches of the sound; amounts are 1 elsewhere.
        progress: told what is being done about every 50 ms; raises `errors.Cancelled` to stop.

    Raises:
        DGTalkerError: no samples, or an impossible rate.
        Cancelled: from `progress`.
    """
    if not np.isfinite(fps) or not 1 <= fps <= 1000:
        raise DGTalkerError(f"A performance cannot run at {fps} frames per second.", "Give 1 to 1000.")
    samples, broken = sound.checked(samples, sample_rate)
    job = Progress(progress)
    notes = ["Values in the sound that are no numbers were taken as silence."] if broken else []
    duration = len(samples) / sample_rate

    heard = sound.to_speech_rate(samples, sample_rate, job.stage(0.0, 0.03, "Reading the sound"))
    level = activity.loudness(heard)
    utterances = activity.utterances(level)
    cuts = [time for passage in passages if passage.transcript.strip() for time in (passage.start, passage.end)]
    chunks = activity.chunks(utterances, level, cuts)
    hearing = phones.Hearing()
    if chunks:
        hearing = phones.hear(heard, chunks, passages, job.stage(0.03, 0.88, "Listening"))
        notes += hearing.notes()
    else:
        notes.append("No speech was found in the sound; the face only blinks and moves a little.")
    tone = prosody.pitch(heard, utterances, job.stage(0.88, 0.92, "Following the melody"))
    syllables = prosody.syllables(hearing.phones, level, tone)
    score = coarticulation.score(hearing.phones, _openings(hearing.phones, syllables), duration)
    seed = _seed(level)
    lives = life.live(duration, syllables, utterances, passages, seed)

    frames = math.ceil(len(samples) * fps / sample_rate - 1e-6)
    weights = np.zeros((frames, len(_NAMES)), np.float32)
    stage = job.stage(0.92, 1.0, "Moving the face")
    for start in range(0, frames, _FRAMES):
        stage.report(start / frames)
        times = np.arange(start, min(start + _FRAMES, frames)) / fps
        weights[start : start + len(times)] = _frames(times, score, lives, passages, seed)
    stage.report(1.0)
    return Speech(Performance(float(fps), _NAMES, weights), tuple(notes))


def _openings(spoken: Sequence[phones.Phone], syllables: Sequence[prosody.Syllable]) -> list[float]:
    """How wide each phone opens: stressed vowels more, reduced and hurried ones less."""
    prominence = iter(syllables)
    openings = []
    for phone in spoken:
        if phone.name in phones.VOWELS:
            stress = 1.12 + 0.2 * float(np.clip(next(prominence).prominence, -1.5, 1.5))
            hurry = float(np.clip((phone.end - phone.start) / 0.09, 0.5, 1.3)) ** 0.35
            openings.append(stress * hurry)
        else:
            openings.append(1.0)
    return openings


def _seed(level: np.ndarray) -> int:
    """A number that follows from the sound, but not from its volume nor from how its samples were rounded."""
    parts = np.array_split(np.maximum(level - level.max(), -60.0), 8)
    coarse = [round(float(part.mean()) / 2.0) if len(part) else 0 for part in parts]
    digest = hashlib.sha256(repr((coarse, round(len(level) / 10))).encode()).digest()
    return int.from_bytes(digest[:8], "little")


def _frames(
    times: np.ndarray, score: coarticulation.Score, lives: life.Life, passages: Sequence[Passage], seed: int
) -> np.ndarray:
    """Weights at some times, float64 (n, names)."""
    weights = np.zeros((len(times), len(_NAMES)))
    movement = coarticulation.movement(score, times)
    lips = movement @ visemes.arkit_matrix()
    column = ARKIT_NAMES.index
    closure = movement[:, visemes.CHANNELS.index("closure")]
    lips[:, column("mouthClose")] = visemes.CLOSE_PER_JAW * lips[:, column("jawOpen")] * closure
    # Nobody's face is the same on both sides.
    tilt = np.random.default_rng([seed, 9]).uniform(-0.05, 0.05)
    for side, scale in (("Left", 1.0 + tilt), ("Right", 1.0 - tilt)):
        lips[:, [column(name) for name in ARKIT_NAMES if name.endswith(side)]] *= scale
    weights[:, : len(ARKIT_NAMES)] = lips * amount(passages, "lips", times)[:, None]

    expression = amount(passages, "expression", times)
    brows, frown = lives.brows.at(times) * expression, lives.frowns.at(times) * expression
    blink = lives.blinks.at(times)
    head = lives.head(times) * amount(passages, "head", times)[:, None]
    # Eyes stay on the listener while the head turns a little: ARKit's looks reach about 35 degrees.
    side = lives.gaze_side.at(times) * expression - 0.7 * head[:, 0] / np.radians(35)
    down = lives.gaze_down.at(times) * expression - 0.7 * head[:, 1] / np.radians(35)

    def put(value: np.ndarray, *names: str) -> None:
        for name in names:
            weights[:, column(name)] += value

    put(blink, "eyeBlinkLeft", "eyeBlinkRight")
    put(np.maximum(down, 0) * 0.5, "eyeBlinkLeft", "eyeBlinkRight")
    put(brows, "browInnerUp")
    put(0.7 * brows, "browOuterUpLeft", "browOuterUpRight")
    put(0.15 * brows, "eyeWideLeft", "eyeWideRight")
    put(0.6 * frown + 0.06 * blink * expression, "browDownLeft", "browDownRight")
    put(0.3 * frown, "eyeSquintLeft", "eyeSquintRight")
    put(np.maximum(side, 0), "eyeLookOutLeft", "eyeLookInRight")
    put(np.maximum(-side, 0), "eyeLookInLeft", "eyeLookOutRight")
    put(np.maximum(down, 0), "eyeLookDownLeft", "eyeLookDownRight")
    put(np.maximum(-down, 0), "eyeLookUpLeft", "eyeLookUpRight")
    put(0.12 * lips[:, column("mouthSmileLeft")] * expression, "cheekSquintLeft", "cheekSquintRight")
    weights[:, : len(ARKIT_NAMES)] = np.clip(weights[:, : len(ARKIT_NAMES)], 0.0, 1.0)
    weights[:, len(ARKIT_NAMES) :] = np.clip(head, -_LIMITS, _LIMITS)
    return weights
