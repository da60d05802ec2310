"""What a listener does while others speak: nods, blinks, brows that rise, and a hint of how the speaker feels.

- Nods come where phrases end, seldom at an accent within (Dittmann and Llewellyn, "Relationship between vocalizations
  and head nods as listener responses", 1968), one to three cycles of 1.8–3.7 Hz (Hadar, Steiner, Grant and Clifford
  Rose, "Kinematics of head movements accompanying speech during conversation", 1983). The more cycles, the larger the
  first; each is smaller than the one before, the last one clearly (Mori, Den and Jokinen, "Structure of nods in
  conversation", 2025).
- Blinks follow the ends of the speaker's phrases by 0.25–0.5 s (Nakano and Kitazawa, "Eyeblink entrainment at
  breakpoints of speech", 2010), besides those that come by themselves.
- Joy and sadness are mirrored, anger is not (Hess and Fischer, "Emotional mimicry as social regulation", 2013).

Events are drawn phrase by phrase from its seed and the listener's, so that they stay with the phrase wherever its line
is moved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .attention import NATURAL
from .direction import ease
from .floor import Phrase
from .lips import is_jaw
from .record import Performance
from .secondary_motion import BLINK, Events, blink_at, pulses
from .styles import StyleWeights, add_styles

_NODS, _NODS_WITHIN = 0.42, 0.08
"""How many phrase ends, and strong accents within a phrase, are nodded at with a natural reaction."""
_ACCENT = 0.9
"""The prominence of a syllable from which on it is a strong accent."""
_CYCLES = (0.45, 0.35, 0.2)
"""How many nods have one, two and three cycles."""
_FIRST, _LONGER, _NEXT, _LAST = 2.6, 1.25, 0.75, 0.7
"""Degrees of the first cycle of a single nod; how much larger it is with each further cycle; each next one in parts of
that before, and the last one once more."""
_APART = 0.9
"""Seconds between two nods at least."""
_BLINKS = 0.3
_FREE = 0.4
"""Seconds around a blink in which no other comes about."""
_BROWS, _BROWS_APART = 0.14, 2.5
_MIRRORED = {"happy": 1.0, "sad": 0.8, "surprised": 0.8}
_HINT = 0.5
"""How much of the speaker's style a reaction of 1 takes on."""
_QUIET, _TO_QUIET = 0.25, 0.35
"""Seconds around the listener's own words in which nothing is hinted at, and over which it fades before and after."""

Now = Callable[[float], float]
"""The reaction at a time, seconds."""

_EYES = ("eyeBlinkLeft", "eyeBlinkRight")
_LIFTS = {
    "browInnerUp": 1.0,
    "browOuterUpLeft": 0.7,
    "browOuterUpRight": 0.7,
    "eyeWideLeft": 0.15,
    "eyeWideRight": 0.15,
}


def with_backchannels(
    performance: Performance, heard: Sequence[Phrase], own: np.ndarray, reaction: np.ndarray, *, since: float, seed: int
) -> Performance:
    """A performance of somebody who listens meanwhile; the lips stay as they are where he speaks himself.

    Args:
        performance: what is performed without, with `rig.HEAD_NAMES`.
        heard: `floor.attended`, seconds.
        own: when the listener speaks, seconds (n, 2).
        reaction: 0 none, 0.5 natural, 1 lively (frames,).
        since: when the first frame is, seconds.
        seed: the listener's.
    """
    frames, fps = performance.frames, performance.fps

    amounts = reaction.tolist()

    def now(time: float) -> float:
        return amounts[min(max(round((time - since) * fps), 0), frames - 1)]

    def played(events: Events) -> np.ndarray:
        return pulses(events - [since, 0.0, since, 0.0, 0.0], frames, fps)

    curves = {name: performance.curve(name).copy() for name in performance.names}
    if "headPitch" in curves:
        curves["headPitch"] += np.radians(played(_unspoken(_nods(heard, now, seed), own)))
    lifts = played(_unspoken(_brows(heard, now, seed), own))
    for name, share in _LIFTS.items():
        if name in curves:
            curves[name] += share * lifts * (1.0 - np.clip(curves[name], 0.0, 1.0))
    _add_hints(curves, heard, own, reaction, since, fps, seed)
    begins = _blinks(heard, now, seed)
    for name in _EYES:
        if name in curves:
            free = begins[_are_free(begins - since, curves[name], fps)]
            curves[name] = np.maximum(curves[name], np.minimum(played(_unspoken(blink_at(free), own)), 1.0))
    weights = np.stack([curves[name] for name in performance.names], axis=1).astype(np.float32)
    return Performance(fps, performance.names, weights)


def _nods(heard: Sequence[Phrase], now: Now, seed: int) -> Events:
    """The cycles of nods, in degrees down."""
    rows: list[tuple[float, ...]] = []
    free = -np.inf
    for phrase in heard:
        random = np.random.default_rng([*phrase.seed, seed, 2])
        accents = phrase.syllables[phrase.syllables[:, 1] >= _ACCENT, 0]
        # What is short is hardly worth a nod.
        often = _NODS * min(1.0, 0.3 + 0.5 * (phrase.end - phrase.start))
        wanted = [*((time, _NODS_WITHIN) for time in accents.tolist()), (phrase.end, often)]
        for time, share in wanted:
            chance, late, size, pace, *spread = random.random(7).tolist()
            amount = now(time)
            start = time - 0.2 + 0.6 * late
            if chance >= share * amount / NATURAL or start < free:
                continue
            cycles = 1 + int(np.searchsorted(np.cumsum(_CYCLES)[:-1], spread[0]))
            height = _FIRST * _LONGER ** (cycles - 1) * (0.7 + 0.6 * size) * (0.5 + amount)
            period = 1.0 / (1.9 + 1.1 * pace)
            for cycle in range(cycles):
                last = _LAST if 0 < cycle == cycles - 1 else 1.0
                long = period * (0.92 + 0.16 * spread[1 + cycle % 2])
                rows.append((start, 0.45 * long, start + long, 0.5 * long, height * last))
                start, height = start + 0.95 * long, height * _NEXT
            free = start + _APART
    return np.array(rows, np.float64).reshape(-1, 5)


def _brows(heard: Sequence[Phrase], now: Now, seed: int) -> Events:
    rows: list[tuple[float, ...]] = []
    free = -np.inf
    for phrase in heard:
        random = np.random.default_rng([*phrase.seed, seed, 3])
        for time in phrase.syllables[phrase.syllables[:, 1] >= _ACCENT, 0].tolist():
            chance, late, size, stay = random.random(4).tolist()
            amount = now(time)
            start = time + 0.2 + 0.25 * late
            if chance < _BROWS * amount / NATURAL and start >= free:
                height = (0.14 + 0.14 * size) * (0.5 + amount)
                rows.append((start, 0.18, start + 0.5 + 0.5 * stay, 0.3, height))
                free = start + _BROWS_APART
    return np.array(rows, np.float64).reshape(-1, 5)


def _blinks(heard: Sequence[Phrase], now: Now, seed: int) -> np.ndarray:
    """When blinks begin that the ends of phrases bring about, seconds (n,)."""
    begins: list[float] = []
    for phrase in heard:
        chance, late = np.random.default_rng([*phrase.seed, seed, 4]).random(2).tolist()
        if chance < _BLINKS * now(phrase.end) / NATURAL:
            begins.append(phrase.end + 0.25 + 0.25 * late)
    return np.array(begins)


def _are_free(begins: np.ndarray, shut: np.ndarray, fps: float) -> np.ndarray:
    """Where no other blink is near: bool (n,)."""
    around = ((round((time - _FREE) * fps), round((time + BLINK + _FREE) * fps) + 1) for time in begins.tolist())
    return np.array([shut[max(low, 0) : max(high, 0)].max(initial=0.0) < 0.5 for low, high in around], bool)


def _unspoken(events: Events, own: np.ndarray) -> Events:
    """Those events in which the listener says nothing himself."""
    meets = (events[:, None, 0] < own[:, 1] + 0.05) & (events[:, None, 2] > own[:, 0] - 0.05)
    return events[~meets.any(axis=1)]


def _add_hints(
    curves: dict[str, np.ndarray],
    heard: Sequence[Phrase],
    own: np.ndarray,
    reaction: np.ndarray,
    since: float,
    fps: float,
    seed: int,
) -> None:
    """Adds a hint of the speakers' styles to a face, in place; none of it moves the jaw."""
    frames = len(reaction)
    times = since + np.arange(frames) / fps
    quiet = np.ones(frames)
    for start, end in own.tolist():
        spoken = ease((times - start + _QUIET + _TO_QUIET) / _TO_QUIET)
        quiet *= 1.0 - spoken * ease((end + _QUIET + _TO_QUIET - times) / _TO_QUIET)
    hints: dict[str, np.ndarray] = {}
    for name, share in _MIRRORED.items():
        hint = np.zeros(frames)
        for phrase in heard:
            weight = share * phrase.styles.get(name, 0.0)
            rows = slice(*np.searchsorted(times, [phrase.start + 0.3, phrase.end + 1.1]))
            shape = ease((times[rows] - phrase.start - 0.3) / 0.6) * ease((phrase.end + 1.1 - times[rows]) / 0.8)
            hint[rows] = np.maximum(hint[rows], weight * shape)
        if hint.any():
            hints[name] = (_HINT * hint * reaction * quiet).astype(np.float32)
    if not hints:
        return
    before = {name: curve for name, curve in curves.items() if is_jaw(name)}
    tilt = float(np.random.default_rng([seed, 9]).uniform(-0.08, 0.08))
    names = list(curves)
    add_styles(curves, StyleWeights(frames, hints), np.zeros(frames, np.float32), np.ones(frames, np.float32), tilt)
    curves.update(before)
    for name in [name for name in curves if name not in names]:
        del curves[name]
