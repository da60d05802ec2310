"""The learned mouth: what the rules and the sound encoder hear, and what the lip encoder makes of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..analysis.activity import Span
from ..analysis.prosody import Syllable
from ..progress import Progress
from ..recognition.result import Phone
from ..sound import RATE
from .encoders import CHANNELS, SPACING, TAPS, FaceEncoder, LipEncoder
from .features import PhoneFeatures, SoundFeatures, contact
from .spectrum import HOP
from .weights import Encoders, shipped

__all__ = ["applied", "at", "found", "heard", "movement", "shipped"]

_PIECE, _REACH = 6000, TAPS // 2 * SPACING
_FADE = 0.1


def found(
    encoders: Encoders,
    samples: np.ndarray,
    phones: Sequence[Phone],
    syllables: Sequence[Syllable],
    utterances: Sequence[Span],
    wordless: Sequence[Span],
    progress: Progress,
) -> np.ndarray:
    """The mouth of a recording: float32 (len(samples) // 160 + 1, `visemes.ARTICULATORS`), a row every `spectrum.HOP`.

    Args:
        encoders: whose mouth it is.
        samples: at `sound.RATE`.
        phones: in order.
        syllables: of these phones.
        utterances, wordless: as in `heard`.
        progress: of the whole.
    """
    rules = PhoneFeatures(phones, syllables, len(samples) / RATE)
    hearing = SoundFeatures(encoders.sound, encoders.scale)
    return movement(encoders.lips, heard(samples, rules, hearing, utterances, wordless, progress))


def heard(
    samples: np.ndarray,
    phones: PhoneFeatures,
    sound: SoundFeatures,
    utterances: Sequence[Span],
    wordless: Sequence[Span],
    progress: Progress,
) -> np.ndarray:
    """What the lip encoder hears: float32 (frames, `encoders.LIP_INPUTS`), a row every `spectrum.HOP`.

    Args:
        samples: at `sound.RATE`.
        phones: of the same sound.
        sound: hears it.
        utterances: where somebody speaks; elsewhere the sound encoder is not asked.
        wordless: where no words were recognised, and phones are less to be trusted.
        progress: of the whole.
    """
    by_sound = sound.extract(samples, progress.stage(0.0, 0.7))[:, : len(CHANNELS)]
    by_rules = phones.extract(samples, progress.stage(0.7, 1.0))
    speaking, doubt = _inside(utterances, len(by_rules)), _inside(wordless, len(by_rules))
    by_sound = by_sound * speaking
    return np.concatenate([by_rules, by_sound, doubt * by_rules, doubt * by_sound, speaking], axis=1)


def _inside(spans: Sequence[Span], frames: int) -> np.ndarray:
    """1 in spans, 0 elsewhere, with ramps outside them, float32 (frames, 1)."""
    return contact(np.array([(span.start, span.end) for span in spans]).reshape(-1, 2), frames, _FADE)[:, None]


def movement(lips: LipEncoder, rows: np.ndarray) -> np.ndarray:
    """The mouth, float32 (frames, `visemes.ARTICULATORS`), of rows from `heard`."""
    correction = applied(lips, rows)
    return np.maximum(rows[:, : correction.shape[1]] + correction, 0.0)


def at(rows: np.ndarray, times: np.ndarray) -> np.ndarray:
    """What `found` found at some times, seconds (n,): (n, `visemes.ARTICULATORS`)."""
    place = np.clip(times / HOP, 0.0, len(rows) - 1.0)
    before = place.astype(np.int64)
    after = np.minimum(before + 1, len(rows) - 1)
    share = (place - before)[:, None]
    return rows[before] * (1.0 - share) + rows[after] * share


@torch.inference_mode()
def applied(encoder: FaceEncoder, rows: np.ndarray) -> np.ndarray:
    """What a face encoder says at each row (frames, inputs), float32 (frames, outputs), a piece at a time."""
    pieces = []
    for start in range(0, len(rows), _PIECE):
        first = max(start - _REACH, 0)
        piece = torch.from_numpy(np.ascontiguousarray(rows[first : start + _PIECE + _REACH].T))[None]
        pieces.append(encoder(piece)[0].T.numpy()[start - first :][:_PIECE])
    return np.concatenate(pieces)
