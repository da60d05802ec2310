"""What moves besides the mouth: blinks, gaze, brows and head.

Every movement is a list of events with smooth edges, drawn from the take's seed and the direction's, so that it is the
same at any frame rate. Each event knows from which amount on it happens: another amount in one stretch of time changes
nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .direction import DirectionBlend, ease
from .lips import ranges
from .seed_regions import SeedRegions, SpeechEvents
from .styles import StyleWeights
from .take import Take

_REST = 0.7
"""Seconds over which the head comes to rest before the end."""

_STILL = 0.05
"""Seconds of rest at the end, so that the last frame is at rest at any frame rate above 20."""

_CLOSE, _SHUT, _OPEN = 0.07, 0.042, 0.17
BLINK = _CLOSE + _SHUT + _OPEN
"""Seconds of a blink: lids fall faster than they rise, and are shut for a frame at 24 frames a second."""

_MOST = 4
"""The greatest multiple of the natural number of blinks and looks."""

Events = np.ndarray
"""Movements that come and go: start, rise, end, fall in seconds and height, (n, 5)."""


@dataclass(frozen=True, kw_only=True)
class SecondaryMotion:
    """Movements at each frame, float32 (frames,) each, before expression's amount; blinks and looks count theirs.

    Attributes:
        blink: 0 open, 1 shut.
        lifts, frowns: of the brows.
        side, down: looks, in ARKit's weights.
        head: yaw, pitch and roll in radians as `rig.HEAD_NAMES`, (frames, 3), with the head's amount.
    """

    blink: np.ndarray
    lifts: np.ndarray
    frowns: np.ndarray
    side: np.ndarray
    down: np.ndarray
    head: np.ndarray


def generate(take: Take, blend: DirectionBlend, style: StyleWeights) -> SecondaryMotion:
    """The movements of a take under directions and styles."""
    regions = SeedRegions(take, blend)
    blinks, lifts, frowns, side, down, nods, turns, tilts = ([] for _ in range(8))
    often = blend.curve("blinks") * style.scale("blinks")
    aside = blend.curve("gaze") * style.scale("gaze")
    frowning = style.total("frowning")
    sway = np.zeros((take.frames, 3), np.float32)
    for number, region in regions:
        speech = region.speech
        # One generator a movement: more blinks leave the head as it was.
        generators = [np.random.default_rng([*region.seeds, i]) for i in range(5)]

        def mine(events: np.ndarray, *times: int, start: float = speech.start, number: int = number) -> np.ndarray:
            """Events with columns of times in the take's time, as far as they are this region's."""
            events[:, times] += start
            ends = events[:, times[-1]] if len(times) > 1 else events[:, 0] + BLINK
            return events[regions.owned(number, events[:, 0], ends)]

        blinks.append(_due(mine(_blinks(speech, generators[0]), 0), often, take))
        brows = mine(_brows(speech, generators[1]), 0, 2)
        frown = brows[:, 5] > 1.0 - _at(frowning, brows[:, 0], take)
        frown |= brows[:, 5] < brows[:, 6]
        lifts.append(brows[~frown, :5])
        frowns.append(brows[frown, :5])
        looks = _due(mine(_looks(speech, generators[2]), 0, 3), aside, take)
        looks = looks[looks[:, 3] < take.duration - 0.3]
        side.append(looks[:, [0, 2, 3, 4, 5]])
        down.append(looks[:, [0, 2, 3, 4, 6]])
        for events, drawn in zip((nods, turns, tilts), _head(speech, generators[3]), strict=True):
            events.append(mine(drawn, 0, 2))
        sway[region.frames] += region.influence[:, None] * _drift(
            len(region.influence), take.fps, region.since, generators[4]
        )
    times = np.arange(take.frames) / take.fps
    still = ease((take.duration - _STILL - times) / _REST) * ease(times / 0.4)
    move = np.stack([pulses(np.concatenate(each), take.frames, take.fps) for each in (turns, nods, tilts)], axis=1)
    energy = blend.curve("head")[:, None] * (style.scale("head")[:, None] * (sway + move) + style.attitude())
    return SecondaryMotion(
        blink=np.minimum(pulses(_apart(np.concatenate(blinks), blend, take), take.frames, take.fps), 1.0),
        lifts=pulses(np.concatenate(lifts), take.frames, take.fps),
        frowns=pulses(np.concatenate(frowns), take.frames, take.fps),
        side=pulses(np.concatenate(side), take.frames, take.fps),
        down=pulses(np.concatenate(down), take.frames, take.fps),
        head=np.radians(energy * still[:, None]).astype(np.float32),
    )


def _at(curve: np.ndarray, times: np.ndarray, take: Take) -> np.ndarray:
    if take.frames == 0:
        return np.zeros(len(times))
    return curve[np.clip(np.round(times * take.fps).astype(np.int64), 0, take.frames - 1)]


def _due(events: np.ndarray, amount: np.ndarray, take: Take) -> np.ndarray:
    """The events whose second column, the amount from which on they happen, is reached."""
    return events[events[:, 1] < np.minimum(_at(amount, events[:, 0], take), _MOST)]


def pulses(events: Events, frames: int, fps: float) -> np.ndarray:
    """The sum of events at each frame, float32 (frames,)."""
    start, rise, end, fall, height = events.T
    first = np.clip(np.ceil(start * fps), 0, frames).astype(np.int64)
    last = np.clip(np.floor(end * fps) + 1, first, frames).astype(np.int64)
    event, row = ranges(first, last)
    time = row / fps
    value = ease((time - start[event]) / rise[event]) * ease((end[event] - time) / fall[event]) * height[event]
    return np.bincount(row, value, frames).astype(np.float32)


def _blinks(speech: SpeechEvents, random: np.random.Generator) -> np.ndarray:
    """Start and the amount from which on they happen, (n, 2); a blink every 3.6 s at an amount of 1."""
    count = int(speech.duration / 1.3) + 4
    starts = random.uniform(0.8, 3.2) + np.cumsum(1.3 + random.gamma(2.5, 0.92, count)) - 1.3
    ends = speech.utterances[:, 1] - 0.12
    if len(ends):
        # People blink where a phrase ends: a blink that would come about then waits for it, or hurries.
        nearest = ends[np.abs(ends[:, None] - starts).argmin(axis=0)] if len(ends) < 64 else _nearest(ends, starts)
        wait = nearest - starts
        starts = np.where((wait > -0.5) & (wait < 1.1), nearest + random.uniform(-0.08, 0.08, count), starts)
    chance = random.random((_MOST, count))
    starts = np.sort(starts)
    twice = starts[random.random(count) < 0.07] + BLINK + 0.02
    gaps = np.diff(starts, append=starts[-1] + 3.6)
    columns = [np.stack([starts, chance[0]], axis=1), np.stack([twice, np.full(len(twice), 0.5)], axis=1)]
    for more, when in zip(range(1, _MOST), (0.5, 0.25, 0.75), strict=True):
        columns.append(np.stack([starts + when * gaps, more + chance[more]], axis=1))
    return np.concatenate(columns)


def _nearest(sorted_values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    right = np.clip(np.searchsorted(sorted_values, wanted), 1, len(sorted_values) - 1)
    before, after = sorted_values[right - 1], sorted_values[right]
    return np.where(wanted - before < after - wanted, before, after)


def blink_at(starts: np.ndarray) -> Events:
    """Blinks that begin at some times, seconds (n,)."""
    edges = np.tile([_CLOSE, BLINK, _OPEN, 1.0], (len(starts), 1))
    return np.column_stack([starts, edges[:, 0], starts + edges[:, 1], edges[:, 2:]])


def _apart(blinks: np.ndarray, blend: DirectionBlend, take: Take) -> Events:
    """Blinks as events that do not run into each other, across a cut or over the end."""
    ends = {time for segment in blend.segments for time in (segment.direction.start, segment.direction.end)}
    cuts = np.array(sorted({0.0, take.duration, *(time for time in ends if 0.0 < time < take.duration)}))
    begins: list[float] = []
    free = 0.0
    for start in np.sort(blinks[:, 0]).tolist():
        cut = cuts[min(int(np.searchsorted(cuts, start - 0.02)), len(cuts) - 1)]
        if start - 0.02 <= cut < start + BLINK + 0.02:
            start = float(cut) + 0.04
            following = cuts[cuts > start]
            if len(following) == 0 or following[0] < start + BLINK + 0.02:
                continue
        if start < free or start + BLINK > take.duration - _STILL:
            continue
        begins.append(start)
        free = start + BLINK + 0.01
    return blink_at(np.array(begins))


def _brows(speech: SpeechEvents, random: np.random.Generator) -> np.ndarray:
    """Events, then what decides between lift and frown: a number, and below which one it is a frown, (n, 7)."""
    chance = random.random((len(speech.syllables), 6)).tolist()
    rows = []
    free = -1.0
    for (time, prominence, pitch), (a, b, c, d, e, f) in zip(speech.syllables.tolist(), chance, strict=True):
        if prominence < 0.5 or time < free:
            continue
        height = min(0.14 + 0.16 * prominence, 0.42) * (0.6 + 0.5 * a)
        rise, fall, hold = 0.14 + 0.06 * b, 0.3 + 0.2 * c, 0.05 + 0.15 * d
        start = max(time - rise - 0.03, 0.0)
        # Brows rise with the voice.
        low = float(np.clip(0.2 - 0.05 * pitch, 0.03, 0.45))
        rows.append((start, rise, start + rise + hold + fall, fall, height, e, low))
        free = time + 1.0 + 1.6 * f
    return np.array(rows).reshape(-1, 7)


def _looks(speech: SpeechEvents, random: np.random.Generator) -> np.ndarray:
    """Start, the amount from which on it happens, rise, end, fall, side and down, (n, 7)."""
    rows = []
    for more in range(_MOST):
        count = int(speech.duration) + 8
        stay = random.uniform(0.4, 2.2, count)
        # Mostly back to the listener, sometimes from one point straight to the next.
        pause = np.where(random.random(count) < 0.7, random.uniform(0.8, 2.5, count), 0.0)
        start = random.uniform(0.5, 1.5) + np.cumsum(stay + pause) - stay - pause
        # Speakers look away while they begin a phrase, and thoughts need a place to look at.
        begins = np.sort(speech.utterances[:, 0])
        since = start - begins[np.searchsorted(begins, start) - 1] if len(begins) else np.full(count, np.inf)
        away = random.random(count) < np.where((since > -0.3) & (since < 0.9), 0.45, 0.14)
        far = random.choice([-1.0, 1.0], count) * random.uniform(0.16, 0.3, count)
        side = np.where(away, far, random.normal(0.0, 0.07, count))
        down = np.where(away, random.normal(0.03, 0.1, count), random.normal(0.02, 0.05, count))
        jump = np.full(count, 0.045)
        rows.append(np.stack([start, more + random.random(count), jump, start + stay, jump, side, down], axis=1))
    return np.concatenate(rows)


def _head(speech: SpeechEvents, random: np.random.Generator) -> tuple[Events, Events, Events]:
    """Nods, turns and tilts in degrees."""
    nods, turns, tilts = [], [], []
    chance = random.random((len(speech.syllables), 5)).tolist()
    swing = random.normal(0.0, 1.2, len(speech.syllables)).tolist()
    free = -1.0
    for (time, prominence, _), (a, b, c, d, e), swung in zip(speech.syllables.tolist(), chance, swing, strict=True):
        if prominence < 0.2 or time < free:
            continue
        size = min(1.2 + 1.5 * prominence, 4.2) * (0.5 + 0.7 * a)
        rise, fall = 0.14 + 0.06 * b, 0.25 + 0.2 * c
        start = time - rise
        nods.append((start, rise, start + rise + fall, fall, size))
        if d < 0.35:
            turns.append((start, rise, start + rise + 2 * fall, 2 * fall, swung))
        free = time + 0.25 + 0.35 * e
    for begin, end in speech.utterances.tolist():
        # Long utterances are made of phrases: the head takes a new attitude every few seconds.
        time = begin - 0.15
        while time < end:
            stay = min(random.uniform(1.4, 3.2), max(end - time, 0.8)) + 0.5
            ease_in, ease_out = random.uniform(0.35, 0.6), random.uniform(0.5, 0.8)
            turns.append((time, ease_in, time + stay, ease_out, _within(random.normal(0.0, 3.2), -6.5, 6.5)))
            tilts.append((time, ease_in, time + stay, ease_out, _within(random.normal(0.0, 1.9), -4, 4)))
            nods.append((time, ease_in, time + stay, ease_out, _within(random.normal(-0.8, 1.4), -3.5, 2.5)))
            time += stay - 0.5
    return _rows(nods), _rows(turns), _rows(tilts)


def _within(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)


def _rows(events: Sequence[tuple[float, ...]]) -> Events:
    return np.array(events, np.float64).reshape(-1, 5)


def _drift(frames: int, fps: float, since: float, random: np.random.Generator) -> np.ndarray:
    """Degrees of yaw, pitch and roll: three waves of 1–14 s for each, from `since` seconds on, float32 (frames, 3)."""
    frequency = 2 * np.pi * random.uniform([[0.07, 0.18, 0.5]] * 3, [[0.13, 0.3, 0.8]] * 3)
    phase = random.uniform(0.0, 2 * np.pi, (3, 3))
    size = np.array([[0.7], [0.5], [0.35]]) * np.array([[1.0, 0.8, 0.35]])
    times = since + np.arange(frames) / fps
    waves = np.zeros((frames, 3))
    for i in range(3):
        waves += size[:, i] * np.sin(frequency[:, i] * times[:, None] + phase[:, i])
    return waves.astype(np.float32)
