"""Features of a sound that face encoders may be given, behind one interface: `Features.extract`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from .. import coarticulation
from ..analysis import prosody
from ..progress import NO_PROGRESS, Stage
from ..recognition.result import SpokenPhone
from ..sound import RATE
from ..visemes import ARTICULATORS, BILABIALS, LABIODENTALS
from .encoders import CHANNELS, CLASSES, SoundEncoder
from .spectrum import HOP, log_mel, normalised

# Frames encoded at once, and of those around them that their normalisation and the encoder reach to.
_PIECE, _MARGIN = 6000, 1300
_REACH = 60
_STEP = 256
_SAMPLES = int(HOP * RATE)


class Features(Protocol):
    """Numbers about a sound at each frame of `spectrum.HOP`."""

    @property
    def width(self) -> int: ...

    def extract(self, samples: np.ndarray, progress: Stage = NO_PROGRESS) -> np.ndarray:
        """Float32 (len(samples) // 160 + 1, width), for mono samples at `sound.RATE`."""
        ...


class SoundFeatures:
    """The mouth and the phones as the sound encoder hears them, in any language.

    The mouth's movement (`encoders.CHANNELS`), then the log-probability of each phone (`encoders.PHONE_CLASSES`).
    """

    width = len(CHANNELS) + CLASSES

    def __init__(self, encoder: SoundEncoder, scale: np.ndarray) -> None:
        """Takes an encoder in its `eval` mode, and the units of its movement (channels,)."""
        self._encoder = encoder
        self._scale = torch.as_tensor(scale, dtype=torch.float32)[:, None]

    def extract(self, samples: np.ndarray, progress: Stage = NO_PROGRESS) -> np.ndarray:
        frames = len(samples) // _SAMPLES + 1
        result = np.empty((frames, self.width), np.float32)
        for start in range(0, frames, _PIECE):
            progress.report(start / frames)
            first, last = max(start - _MARGIN, 0), min(start + _PIECE + _MARGIN, frames)
            # Two frames more on either side, as windows at the cuts reach beyond them.
            before = max(first - 2, 0)
            energies = log_mel(samples[before * _SAMPLES : (last + 2) * _SAMPLES])[first - before :][: last - first]
            near, far = max(start - _REACH, 0), min(start + _PIECE + _REACH, frames)
            stop = min(start + _PIECE, frames)
            # A recording may begin and end within a word: silence beyond its ends would close the mouth there.
            beyond = (_REACH - (start - near), _REACH - (far - stop))
            rows = np.pad(normalised(energies)[near - first : far - first], (beyond, (0, 0)), mode="edge")
            result[start:stop] = self._encode(rows)[_REACH:][: stop - start]
        return result

    @torch.inference_mode()
    def _encode(self, energies: np.ndarray) -> np.ndarray:
        movement, logits = self._encoder(torch.from_numpy(np.ascontiguousarray(energies.T))[None])
        halves = torch.cat([movement[0] * self._scale, logits[0].log_softmax(dim=0)]).T.numpy()
        # The encoder answers for every second frame; those between are the means of their neighbours.
        frames = len(energies)
        whole = np.repeat(halves, 2, axis=0)[:frames]
        whole[1 : 2 * len(halves) - 2 : 2] = (halves[:-1] + halves[1:]) / 2
        return whole


class PhoneFeatures:
    """The mouth as phones and their times ask for it: the rules' movement, contacts included (`encoders.CHANNELS`)."""

    width = len(CHANNELS)

    def __init__(self, phones: Sequence[SpokenPhone], syllables: Sequence[prosody.Syllable], duration: float) -> None:
        """Takes the phones of a sound in order, the prominence of their vowels, and the sound's length in seconds."""
        self._score = coarticulation.score(phones, prosody.openings(phones, syllables), duration)
        self._closures = coarticulation.contacts(phones, BILABIALS, 0.03)
        self._bites = coarticulation.contacts(phones, LABIODENTALS, 0.02)

    def extract(self, samples: np.ndarray, progress: Stage = NO_PROGRESS) -> np.ndarray:
        frames = len(samples) // _SAMPLES + 1
        result = np.empty((frames, self.width), np.float32)
        for start in range(0, frames, _STEP):
            progress.report(start / frames)
            times = np.arange(start, min(start + _STEP, frames)) * HOP
            result[start : start + _STEP, : len(ARTICULATORS)] = coarticulation.movement(self._score, times)
        for column, spans in ((-2, self._closures), (-1, self._bites)):
            result[:, column] = contact(spans, frames)
        return result


def contact(spans: np.ndarray, frames: int, ramp: float = 0.07) -> np.ndarray:
    """1 within spans of seconds (n, 2), falling to 0 within `ramp` seconds on either side: float32 (frames,)."""
    curve = np.zeros(frames, np.float32)
    for start, end in spans:
        first, last = max(int((start - ramp) / HOP), 0), min(int((end + ramp) / HOP) + 2, frames)
        time = np.arange(first, last) * HOP
        near = 1.0 - np.maximum(np.maximum(start - time, time - end), 0.0) / ramp
        curve[first:last] = np.maximum(curve[first:last], np.clip(near, 0.0, 1.0))
    return curve
