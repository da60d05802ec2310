"""Where somebody looks who listens: at who speaks, now and then aside, and at the next speaker as his turn begins.

- Listeners look at the speaker 75 % of the time, in glances of 2.95 s in the mean (Argyle and Ingham, "Gaze, mutual
  gaze, and proximity", 1972): so they look aside for 0.98 s.
- They turn to the next speaker about when he begins, in a fifth of all turns before the last one has ended (Holler
  and Kendrick, "Unaddressed participants' gaze in multi-person interaction", 2015; Hadley and Culling, "Timing of head
  turns to upcoming talkers in triadic conversation", 2022).
- They begin to speak with averted gaze (Ho, Foulsham and Kingstone, "Speaking and listening with the eyes", 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .direction import ease
from .floor import Turn

NATURAL = 0.5
"""A reaction as people have it in the mean."""

_EARLY, _LATE = 0.35, 0.3
"""Seconds around the beginning of a turn within which the eyes go there."""
_SELDOM = 0.3
"""Of the turns, to how many eyes go before they begin."""
_LINGER = (0.4, 1.0)
"""Seconds for which they stay after its end."""
_HOLD = 2.0
"""Seconds of silence over which they wait for the next turn."""
_SACCADE = 0.045
_RELEASE = 0.15
_GLANCE, _ASIDE = 2.95, 0.98
"""Seconds in the mean."""
_LEAST_GLANCE, _LEAST_ASIDE = 0.9, 0.35
_ALWAYS = 0.25
"""From which reaction on the eyes are on the speaker and not only part of the way."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Attention:
    """Where a listener looks on each frame.

    Attributes:
        voice: at whom, −1 for nobody; int (frames,).
        amount: how much of it counts, 0–1 (frames,).
        aside: the eyes' way beside that: yaw to the own left and pitch down, radians (frames, 2).
    """

    voice: np.ndarray
    amount: np.ndarray
    aside: np.ndarray


@dataclass(frozen=True)
class _Look:
    """From when to when the eyes are on somebody, and until when he speaks."""

    turn: Turn
    start: float
    end: float


def attention(
    turns: Sequence[Turn], own: np.ndarray, reaction: np.ndarray, *, since: float, fps: float, seed: int
) -> Attention:
    """Where somebody looks who listens to turns.

    Args:
        turns: `floor.turns`.
        own: when the listener speaks, seconds (n, 2).
        reaction: 0 none, 0.5 natural, 1 lively (frames,).
        since: when the first frame is, seconds.
        fps: frames per second.
        seed: the listener's.
    """
    frames = len(reaction)
    times = since + np.arange(frames) / fps
    voice, amount = np.full(frames, -1), np.zeros(frames)
    aside = np.zeros((frames, 2))
    looks = _looks(turns, own, seed)
    for number, look in enumerate(looks):
        rows = slice(*np.searchsorted(times, [look.start, look.end]))
        within = times[rows]
        if not len(within):
            continue
        share = np.ones(len(within))
        if number == 0 or looks[number - 1].end < look.start:
            share *= ease((within - look.start) / _SACCADE + 0.5)
        if number + 1 == len(looks) or looks[number + 1].start > look.end:
            share *= ease((look.end - within) / _RELEASE)
        voice[rows], amount[rows] = look.turn.voice, share
        random = np.random.default_rng([*look.turn.seed, seed, 0])
        aside[rows] = _on_the_face(within, look, random) + _glances_aside(within, look, reaction[rows], random)
    return Attention(voice=voice, amount=amount * ease(reaction / _ALWAYS), aside=aside)


def _looks(turns: Sequence[Turn], own: np.ndarray, seed: int) -> list[_Look]:
    chances = [np.random.default_rng([*turn.seed, seed, 1]).random(4).tolist() for turn in turns]
    starts: list[float] = []
    for turn, (when, early, _, _) in zip(turns, chances, strict=True):
        # Seldom clearly before the turn begins, and not while the listener speaks himself.
        start = turn.start + (-_EARLY if early < _SELDOM else _LATE) * when
        said = own[own[:, 1] < turn.start + _LATE, 1]
        starts.append(max(start, said.max(initial=-np.inf), starts[-1] if starts else -np.inf))
    looks: list[_Look] = []
    for turn, start, following, (_, _, linger, leave) in zip(
        turns, starts, [*starts[1:], np.inf], chances, strict=True
    ):
        end = turn.end + _LINGER[0] + (_LINGER[1] - _LINGER[0]) * linger
        begins = own[own[:, 0] > turn.end - _LATE, 0].min(initial=np.inf)
        if following < min(end + _HOLD, begins):
            end = following
        end = min(end, begins - 0.05 - 0.25 * leave)
        if end > start:
            looks.append(_Look(turn, start, end))
    return looks


def _on_the_face(times: np.ndarray, look: _Look, random: np.random.Generator) -> np.ndarray:
    """How eyes go between the eyes and the mouth of whom they look at, radians (frames, 2)."""
    count = int((look.end - look.start) / 0.3) + 2
    places = np.stack([random.uniform(-0.9, 0.9, count), 1.8 * (random.random(count) < 0.35)], axis=1)
    begins = look.start + np.cumsum(0.3 + random.gamma(2.0, 0.35, count))
    return np.radians(places[np.minimum(np.searchsorted(begins, times), count - 1)])


def _glances_aside(times: np.ndarray, look: _Look, reaction: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Glances away from whom the eyes look at, radians (frames, 2); fewer with more reaction than usual."""
    aside = np.zeros((len(times), 2))
    time = look.start + random.uniform(1.2, 4.0)
    # At the end of a turn, listeners look up.
    while time < look.turn.end - 0.5:
        stay = _LEAST_ASIDE + random.gamma(2.0, (_ASIDE - _LEAST_ASIDE) / 2)
        chance, side, yaw, pitch = random.random(), random.choice([-1.0, 1.0]), *random.normal([12.0, 5.0], [3.0, 4.0])
        until = min(time + stay, look.turn.end)
        now = reaction[min(int(np.searchsorted(times, time)), len(times) - 1)]
        if chance < 1.0 + NATURAL - now:
            there = ease((times - time) / _SACCADE + 0.5) * ease((until - times) / _SACCADE + 0.5)
            aside += there[:, None] * np.radians([side * yaw, pitch])
        time = until + _LEAST_GLANCE + random.gamma(1.5, (_GLANCE - _LEAST_GLANCE) / 1.5)
    return aside
