"""The streaming mouth: samples in, in blocks of any size; weights out, 50 a second."""

from __future__ import annotations

import numpy as np

from .. import visemes
from ..lipsync.encoders import SPACING
from ..lipsync.spectrum import BANDS, HOP, log_mel
from ..lipsync.weights import Encoders
from ..sound import RATE
from . import moment
from .decimation import Decimator
from .pyramid import REACH, Pyramid

NAMES = visemes.CONTROLS
"""ARKit's, of the weights."""

INTERVAL = moment.STEP * HOP
"""Seconds from one row of weights to the next; row i is at i · `INTERVAL` of the sound."""

_SAMPLES = int(HOP * RATE)
_HALF_WINDOW = 200
"""Samples after a frame's time that its spectrum depends on."""
_BEFORE = SPACING // 2
"""Frames before a cut whose windows reach beyond it."""


class LiveMouth:
    """The lips of one voice that is being heard."""

    def __init__(self, encoders: Encoders, lookahead: int = moment.LOOKAHEAD) -> None:
        """Takes whose sound encoder hears, and how many frames of the future each moment waits for."""
        self._scale, self._lookahead = encoders.scale, lookahead
        self._hears = Pyramid(encoders.sound)
        self._decimator = Decimator()
        self._samples = np.zeros(0, np.float32)  # from frame `_frames - _BEFORE` on, or from the beginning
        self._energies = np.zeros((0, BANDS), np.float32)  # the last ones
        self._frames = 0
        self._moment = 0
        self._usual: moment.Surroundings | None = None
        self._part = 0.0

    def push(self, samples: np.ndarray) -> np.ndarray:
        """The rows of weights that more samples settle.

        Args:
            samples: mono, float32 (n,) at `decimation.CAPTURE_RATE`, full scale ±1.

        Returns:
            float32 (rows, `NAMES`), none or some.
        """
        self._hear(self._decimator.push(samples))
        rows = []
        while self._moment + self._lookahead < self._frames:
            gone = self._frames - len(self._energies)
            known = self._energies[: self._moment + self._lookahead + 1 - gone]
            place = self._moment - gone
            if self._usual is None or self._moment % (moment.RENEWED * moment.STEP) == 0:
                self._usual = moment.surroundings(known)
            self._part = moment.taking_part(self._part, moment.speaks(self._usual, known, place), INTERVAL)
            moved = moment.movement(self._hears, self._usual, known, place) * self._scale
            rows.append(moment.weights(moved, self._part))
            self._moment += moment.STEP
        self._energies = self._energies[-(moment.HISTORY + REACH + self._lookahead + moment.STEP) :]
        return np.stack(rows) if rows else np.zeros((0, len(NAMES)), np.float32)

    def _hear(self, samples: np.ndarray) -> None:
        """Adds the spectra of the frames that more samples complete."""
        self._samples = np.concatenate([self._samples, samples])
        before = min(self._frames, _BEFORE)
        complete = (len(self._samples) - _HALF_WINDOW) // _SAMPLES + 1
        if len(self._samples) < _HALF_WINDOW or complete <= before:
            return
        new = log_mel(self._samples[: (complete - 1) * _SAMPLES + _HALF_WINDOW])[before:complete]
        self._energies = np.concatenate([self._energies, new])
        self._frames += len(new)
        kept = min(self._frames, _BEFORE)
        self._samples = self._samples[(complete - kept) * _SAMPLES :]
