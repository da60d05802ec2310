"""Where nobody says anything for a while, and how far the mouth takes part in between."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from scipy.ndimage import maximum_filter1d, percentile_filter, uniform_filter1d

from .activity import HOP, Span

_SURROUNDINGS = 30.0
"""Seconds in which the softest and the loudest say what is quiet: no level of a recording counts for itself."""

_QUIET, _LOUD = (0.2, -38.0, -15.0), (0.5, -24.0, -14.0)
"""Of the way from the softest to the loudest in dB, and the least and the most of what that may be about the loudest:
below the one nobody speaks, whatever was recognised; above the other somebody does, even where no phone was recognised.
A breath is between them."""

_LONG_QUIET = 0.25
"""Seconds: no stop is silent for as long."""

_BLIP = 0.05
"""Seconds of sound that end no pause."""

_SHORT, _LONG = 0.2, 0.45
"""Seconds of a pause that lips ride out as in speech, and from which they rest. People often keep their lips open for a
breath; at rest they look better (docs/speech_model.md)."""

_FALL = 0.2
_RISE, LEAD = 0.18, 0.1
"""Seconds in which the mouth comes to rest, and in which it takes part again; that begins before the pause ends. Lips
part 60 to 100 ms before they are heard."""

_ENDLESS = 10.0
"""Seconds by which a pause reaches beyond a recording that begins or ends with it."""


def pauses(phones: Sequence[Span], utterances: Sequence[Span], level: np.ndarray) -> list[Span]:
    """Stretches in which nobody speaks, in order and apart, of any length; the first and last reach beyond the sound.

    Args:
        phones: those that are sounds, in order.
        utterances: `activity.utterances`.
        level: `activity.loudness` (frames,).
    """
    silent = ~_inside(phones, len(level)) & ~(_inside(utterances, len(level)) & ~_below(level, _LOUD))
    for first, last in _runs(_below(level, _QUIET)):
        if (last - first) * HOP >= _LONG_QUIET:
            silent[first:last] = True
    for first, last in _runs(~silent):
        if (last - first) * HOP < _BLIP:
            silent[first:last] = True
    result = []
    for first, last in _runs(silent):
        start = first * HOP if first else -_ENDLESS
        result.append(Span(start, last * HOP + (_ENDLESS if last == len(level) else 0.0)))
    return result


def talking(spans: Sequence[Span], times: np.ndarray, lead: float = LEAD) -> np.ndarray:
    """How far the mouth takes part: 1 in speech, 0 where it rests, eased between, float64 (n,).

    Args:
        spans: `pauses`, in order and apart.
        times: seconds, ascending (n,).
        lead: seconds before a pause's end from which it takes part again.
    """
    result = np.ones(len(times))
    if not len(times):
        return result
    # Long recordings are asked piece by piece, and have thousands.
    first = bisect_left(spans, times[0] + lead - _RISE, key=lambda span: span.end)
    last = bisect_right(spans, times[-1], key=lambda span: span.start)
    for span in spans[first:last]:
        depth = _eased((span.end - span.start - _SHORT) / (_LONG - _SHORT))
        near = slice(*np.searchsorted(times, (span.start, span.end - lead + _RISE)))
        falling = 1.0 - _eased((times[near] - span.start) / _FALL)
        rising = _eased((times[near] - span.end + lead) / _RISE)
        result[near] = np.minimum(result[near], 1.0 - depth * (1.0 - np.maximum(falling, rising)))
    return result


def _below(level: np.ndarray, threshold: tuple[float, float, float]) -> np.ndarray:
    """Which frames lie below a threshold between the softest around them and the loudest: bool (frames,)."""
    if len(level) == 0:
        return np.zeros(0, bool)
    smooth = uniform_filter1d(level, 3, mode="nearest")
    every = int(0.1 / HOP)
    coarse = smooth[::every]
    window = min(len(coarse), int(_SURROUNDINGS / 0.1)) | 1
    floor = percentile_filter(coarse, 5, window, mode="nearest")
    peak = maximum_filter1d(coarse, window, mode="nearest")
    part, least, most = threshold
    limit = np.clip(floor + part * (peak - floor), peak + least, peak + most)
    return smooth < np.repeat(limit, every)[: len(level)]


def _inside(spans: Sequence[Span], frames: int) -> np.ndarray:
    inside = np.zeros(frames, bool)
    for span in spans:
        inside[max(round(span.start / HOP), 0) : max(round(span.end / HOP), 0)] = True
    return inside


def _runs(marked: np.ndarray) -> np.ndarray:
    """First and last + 1 of each run of marked frames, int (n, 2)."""
    return np.flatnonzero(np.diff(np.concatenate(([False], marked, [False])).astype(np.int8))).reshape(-1, 2)


def _eased(t: np.ndarray | float) -> np.ndarray:
    t = np.clip(t, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
