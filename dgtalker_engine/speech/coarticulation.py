"""Phones to continuous movements of the mouth.

Cohen and Massaro, "Modeling coarticulation in synthetic visual speech" (1993): each phone asks for a target T of each
articulator, with a dominance that falls off around it, D(τ) = α·exp(−|τ|/θ), and the mouth follows the mean of the
targets weighted by dominance, F(t) = Σ D(t) T / Σ D(t). Here τ is the distance to the phone's core, not to its centre,
so that long phones are held. That lips close at P, B, M and touch the teeth at F, V, whatever their neighbours ask for,
is `contacts`; they are laid over the movement when it is performed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .recognition.phones import VOWELS, SpokenPhone
from .recognition.recogniser import SILENCE
from .visemes import ARTICULATORS, DIPHTHONGS, ROUNDED, STRENGTHS, TARGETS

LEAD = 0.06
"""Seconds by which lips move before the sound (40–100 ms in tracked speakers)."""

_REACH = 0.7
_ROUND = [ARTICULATORS.index("pucker"), ARTICULATORS.index("funnel")]


@dataclass(frozen=True, kw_only=True)
class Score:
    """Everything that the mouth is asked for, one row a target, in order of time.

    Attributes:
        first: start of each core, seconds (n,).
        last: end of each core, seconds (n,).
        rise: time constant before the core, seconds (n, articulators).
        fall: time constant after the core, seconds (n, articulators).
        strength: dominance α (n, articulators).
        target: (n, articulators).
    """

    first: np.ndarray
    last: np.ndarray
    rise: np.ndarray
    fall: np.ndarray
    strength: np.ndarray
    target: np.ndarray


def score(phones: Sequence[SpokenPhone], openings: Sequence[float], duration: float) -> Score:
    """Targets of phones in order.

    Args:
        phones: in order; gaps count as silence.
        openings: per phone, how wide its vowel opens; 1 is usual.
        duration: of the recording, seconds.
    """
    events: list[tuple[str, float, float, float]] = []
    clock = -10.0
    for phone, opening in zip(phones, openings, strict=True):
        if phone.start > clock + 0.005:
            events.append((SILENCE, clock, phone.start, 1.0))
        if phone.name in DIPHTHONGS:
            turn = phone.start + 0.55 * (phone.end - phone.start)
            begin, finish = DIPHTHONGS[phone.name]
            events += [(begin, phone.start, turn, opening), (finish, turn, phone.end, opening)]
        else:
            events.append((phone.name, phone.start, phone.end, opening))
        clock = phone.end
    events.append((SILENCE, clock, max(clock, duration) + 10.0, 1.0))

    names = [event[0] for event in events]
    starts, ends, wide = (np.array([event[i] for event in events]) for i in (1, 2, 3))
    length = ends - starts
    # The faster the speech, the shorter each gesture.
    pace = np.clip(np.minimum(length, 0.25) / 0.08, 0.7, 1.3)
    pace = np.convolve(np.pad(pace, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    silent = np.array([name == SILENCE for name in names])
    inset = np.where(silent, np.minimum(0.07, length / 2), 0.18 * length)
    rise = np.repeat(0.06 * pace[:, None], len(ARTICULATORS), axis=1)
    fall = np.repeat(0.06 * pace[:, None], len(ARTICULATORS), axis=1)
    rounded = np.array([name in ROUNDED for name in names])
    rise[:, _ROUND] *= np.where(rounded, 1.8, 1.0)[:, None]
    strength = np.stack([STRENGTHS[name] for name in names])
    # A pause too short to close the mouth in barely pulls at it.
    strength[silent] *= np.clip((length[silent] / 0.4) ** 1.5, 0.05, 1.5)[:, None]
    target = np.stack([TARGETS[name] for name in names])
    vowel = np.array([name in VOWELS for name in names])
    target[vowel, :3] *= wide[vowel, None]
    return Score(first=starts + inset, last=ends - inset, rise=rise, fall=fall, strength=strength, target=target)


def contacts(phones: Sequence[SpokenPhone], names: frozenset[str], shortest: float) -> np.ndarray:
    """When the lips are in contact for some phones: start and end in the face's time, seconds (n, 2).

    P and B let go before their burst ends.

    Args:
        shortest: half of the least length of a contact, seconds.
    """
    spans = []
    for phone in phones:
        if phone.name in names:
            length = phone.end - phone.start
            middle = phone.start + length * (0.5 if phone.name in "MFV" else 0.4) - LEAD
            half = max(min(0.3 * length, 0.05), shortest)
            spans.append((middle - half, middle + half))
    return np.array(spans).reshape(-1, 2)


def movement(score: Score, times: np.ndarray) -> np.ndarray:
    """The mouth at some times, before contacts.

    Args:
        times: seconds of sound, ascending (n,); at most a few hundred a call.

    Returns:
        float64 (n, articulators), `visemes.ARTICULATORS`, each about 0–1.
    """
    times = times + LEAD
    near = slice(
        int(np.searchsorted(score.last, times[0] - _REACH)),
        int(np.searchsorted(score.first, times[-1] + _REACH)) + 1,
    )
    before = _soft(score.first[near] - times[:, None])[:, :, None] / score.rise[near]
    after = _soft(times[:, None] - score.last[near])[:, :, None] / score.fall[near]
    dominance = score.strength[near] * np.exp(-before - after)
    return (dominance * score.target[near]).sum(axis=1) / (dominance.sum(axis=1) + 1e-12)


def _soft(distance: np.ndarray) -> np.ndarray:
    """Distance outside a core, 0 inside, without a corner between."""
    return 0.5 * (distance + np.sqrt(distance**2 + 0.015**2))
