"""What moves besides the mouth: blinks, gaze, brows and head, as continuous functions of time.

Everything is drawn from one seed, and every movement is a list of events with smooth edges, so that it is the same at
any frame rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .activity import Span
from .passages import Passage, amount, ease
from .prosody import Syllable

_REST = 0.7
"""Seconds over which the head comes to rest before the end."""

_STILL = 0.05
"""Seconds of rest at the end, so that the last frame is at rest at any frame rate above 20."""

_CLOSE, _SHUT, _OPEN = 0.07, 0.035, 0.17
BLINK = _CLOSE + _SHUT + _OPEN
"""Seconds of a blink: lids fall faster than they rise."""


@dataclass(frozen=True)
class Pulses:
    """Movements that come and go: value `height` from `start + rise` until `end − fall`.

    Attributes:
        start, rise, end, fall: seconds (n,).
        height: (n,).
    """

    start: np.ndarray
    rise: np.ndarray
    end: np.ndarray
    fall: np.ndarray
    height: np.ndarray

    @classmethod
    def of(cls, events: Sequence[tuple[float, float, float, float, float]]) -> Pulses:
        """From (start, rise, end, fall, height) each."""
        columns = np.array(events, np.float64).reshape(-1, 5).T
        return cls(*columns)

    def at(self, times: np.ndarray) -> np.ndarray:
        """The sum of all pulses at ascending times, float64 (n,)."""
        total = np.zeros(len(times))
        near = (self.end > times[0]) & (self.start < times[-1])
        for start, rise, end, fall, height in zip(
            self.start[near], self.rise[near], self.end[near], self.fall[near], self.height[near], strict=True
        ):
            part = slice(int(np.searchsorted(times, start)), int(np.searchsorted(times, end)))
            moment = times[part]
            total[part] += height * ease((moment - start) / rise) * ease((end - moment) / fall)
        return total


@dataclass(frozen=True)
class Life:
    """All movements but the mouth's, before the passages' amounts (blinks already count them)."""

    duration: float
    blinks: Pulses
    brows: Pulses
    frowns: Pulses
    gaze_side: Pulses
    gaze_down: Pulses
    nods: Pulses
    turns: Pulses
    tilts: Pulses
    drift: np.ndarray

    def head(self, times: np.ndarray) -> np.ndarray:
        """Yaw, pitch, roll in radians as `rig.HEAD_NAMES` has them, float64 (n, 3)."""
        still = ease((self.duration - _STILL - times) / _REST) * ease(times / 0.4)
        frequency, phase, size = self.drift
        wander = (size[:, :, None] * np.sin(frequency[:, :, None] * times + phase[:, :, None])).sum(axis=1)
        move = np.stack([self.turns.at(times), self.nods.at(times), self.tilts.at(times)])
        return np.radians((wander + move) * still).T


def live(
    duration: float,
    syllables: Sequence[Syllable],
    utterances: Sequence[Span],
    passages: Sequence[Passage],
    seed: int,
) -> Life:
    """Draws the movements of a recording.

    Args:
        duration: seconds.
        syllables: `prosody.syllables`; the prominent ones get brows and nods.
        utterances: `activity.utterances`; turns and tilts of the head change between them.
        passages: how often to blink.
        seed: the same seed gives the same movements.
    """
    # One generator a movement: more blinks leave the head as it was.
    blinks, brows, gaze, head, drift = (np.random.default_rng([seed, i]) for i in range(5))
    side, down = _gaze(duration, gaze)
    lifts, frowns = _brows(syllables, brows)
    nods, turns, tilts = _head(duration, syllables, utterances, head)
    return Life(
        duration,
        _blinks(duration, utterances, passages, blinks),
        lifts,
        frowns,
        side,
        down,
        nods,
        turns,
        tilts,
        _drift(drift),
    )


def _blinks(
    duration: float, utterances: Sequence[Span], passages: Sequence[Passage], random: np.random.Generator
) -> Pulses:
    ends = np.array([span.end - 0.12 for span in utterances if span.end < duration - 0.5])
    events = []
    step = 0.05
    grid = np.arange(0.0, duration, step)
    rate = amount(passages, "blinks", grid)
    due = random.uniform(0.8, 3.5)
    for time, frequency in zip(grid, rate, strict=True):
        due -= step * frequency
        phrase_end = bool(len(ends)) and bool(np.any(np.abs(ends - time) < step / 2))
        if not (due <= 0 or (phrase_end and due < 2.0 and frequency > 0.05)):
            continue
        start = time + random.uniform(0.0, step)
        if start + 2 * BLINK < duration - _STILL and frequency > 0.05:
            events.append((start, _CLOSE, start + BLINK, _OPEN, 1.0))
            if random.random() < 0.07:
                events.append((start + BLINK, _CLOSE, start + 2 * BLINK, _OPEN, 1.0))
        due = 2.2 + random.gamma(3.0, 0.75)
    return Pulses.of(events)


def _brows(syllables: Sequence[Syllable], random: np.random.Generator) -> tuple[Pulses, Pulses]:
    lifts, frowns = [], []
    free = -1.0
    for syllable in syllables:
        if syllable.prominence < 0.5 or syllable.time < free:
            continue
        height = min(0.14 + 0.16 * syllable.prominence, 0.42) * random.uniform(0.6, 1.1)
        rise, fall, hold = random.uniform(0.14, 0.2), random.uniform(0.3, 0.5), random.uniform(0.05, 0.2)
        start = max(syllable.time - rise - 0.03, 0.0)
        event = (start, rise, start + rise + hold + fall, fall, height)
        (lifts if random.random() < 0.8 else frowns).append(event)
        free = syllable.time + random.uniform(1.0, 2.6)
    return Pulses.of(lifts), Pulses.of(frowns)


def _gaze(duration: float, random: np.random.Generator) -> tuple[Pulses, Pulses]:
    side, down = [], []
    time = random.uniform(0.5, 1.5)
    while True:
        stay = random.uniform(0.4, 2.2)
        if time + stay > duration - 0.3:
            return Pulses.of(side), Pulses.of(down)
        jump = 0.045
        side.append((time, jump, time + stay, jump, random.normal(0.0, 0.07)))
        down.append((time, jump, time + stay, jump, random.normal(0.02, 0.05)))
        # Mostly back to the listener, sometimes from one point straight to the next.
        time += stay + (random.uniform(0.8, 2.5) if random.random() < 0.7 else 0.0)


def _head(
    duration: float, syllables: Sequence[Syllable], utterances: Sequence[Span], random: np.random.Generator
) -> tuple[Pulses, Pulses, Pulses]:
    nods, turns, tilts = [], [], []
    free = -1.0
    for syllable in syllables:
        if syllable.prominence < 0.2 or syllable.time < free:
            continue
        size = min(0.8 + 1.1 * syllable.prominence, 3.0) * random.uniform(0.5, 1.2)
        rise, fall = random.uniform(0.14, 0.2), random.uniform(0.25, 0.45)
        start = syllable.time - rise
        nods.append((start, rise, start + rise + fall, fall, size))
        if random.random() < 0.35:
            turns.append((start, rise, start + rise + 2 * fall, 2 * fall, random.normal(0.0, 0.8)))
        free = syllable.time + random.uniform(0.25, 0.6)
    for span in utterances:
        # Long utterances are made of phrases: the head takes a new attitude every few seconds.
        time = span.start - 0.15
        while time < span.end:
            stay = min(random.uniform(1.4, 3.2), max(span.end - time, 0.8)) + 0.5
            ease_in, ease_out = random.uniform(0.35, 0.6), random.uniform(0.5, 0.8)
            turns.append((time, ease_in, time + stay, ease_out, float(np.clip(random.normal(0.0, 2.0), -4, 4))))
            tilts.append((time, ease_in, time + stay, ease_out, float(np.clip(random.normal(0.0, 1.3), -2.5, 2.5))))
            nods.append((time, ease_in, time + stay, ease_out, float(np.clip(random.normal(-0.6, 0.9), -2.5, 1.5))))
            time += stay - 0.5
    return Pulses.of(nods), Pulses.of(turns), Pulses.of(tilts)


def _drift(random: np.random.Generator) -> np.ndarray:
    """Angular frequency, phase, and size in degrees, of three waves of 1–14 s for each axis, (3, 3 axes, 3)."""
    frequency = 2 * np.pi * random.uniform([[0.07, 0.18, 0.5]] * 3, [[0.13, 0.3, 0.8]] * 3)
    phase = random.uniform(0.0, 2 * np.pi, (3, 3))
    size = np.array([[0.7], [0.5], [0.35]]) * np.array([[1.0, 0.8, 0.35]])
    return np.stack([frequency, phase, size])
