"""Where somebody speaks: voice activity, and chunks that the recogniser can take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, percentile_filter, uniform_filter1d

from ..sound import RATE

HOP = 0.01
"""Seconds between frames of loudness."""

LONGEST = 9.5
"""Seconds; pocketsphinx grows unreliable on longer utterances."""

_BLOCK = 4000
_QUIET = -65.0
_USUAL = -27.0
"""dB of the loudest tenth of a second, by `loudness`, of speech that was recorded with care."""
_NOTHING = -80.0
"""dB under which there is little but the noise of rounding to 16 bits."""
_FAINT = -50.0
_BREADTH = 20.0
"""dB. What is faint throughout, and whose loudest tenth of a second is less far above the softest tenth of the whole,
is a room in which nobody speaks. Of 78 recordings of voices none has less; of the 47 pauses in them that are as faint,
37 have. Recordings shorter than `_LONG` may be a word without a pause."""
_LONG = 2.0
_STEADY = 5.0
_OFFSET = 0.5
"""Of the sound's root mean square: a smaller one hides nothing."""
_PAUSE = 0.3
_SHORTEST = 0.06
_MARGIN = 0.12


@dataclass(frozen=True)
class Span:
    """A stretch of time, seconds."""

    start: float
    end: float


def loudness(samples: np.ndarray, emphasis: float = 0.95) -> np.ndarray:
    """Loudness of speech-rate samples in dB of full scale, every `HOP`, over 30 ms: float32 (frames,).

    Args:
        samples: (n,).
        emphasis: how much of each sample is taken from the next one. 0.95 leaves out hum and rumble; −0.95 leaves out
            hiss.
    """
    hop = int(HOP * RATE)
    power = np.zeros(len(samples) // hop + 1, np.float32)
    for frame in range(0, len(power), _BLOCK):
        start = frame * hop
        # One sample more in front for the difference.
        block = samples[max(start - 1, 0) : start + _BLOCK * hop].astype(np.float32)
        block = block if start else np.concatenate([block[:1], block])
        emphasised = block[1:] - emphasis * block[:-1]
        squares = np.zeros(-(-len(emphasised) // hop) * hop, np.float32)
        squares[: len(emphasised)] = emphasised**2
        means = squares.reshape(-1, hop).mean(axis=1)
        power[frame : frame + len(means)] = means
    return (10.0 * np.log10(uniform_filter1d(power, 3, mode="nearest") + 1e-12)).astype(np.float32)


def levelled(samples: np.ndarray, *, overwrite: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Speech-rate samples (n,) as loud as recordings usually are, and their `loudness`: what follows has thresholds,
    and a voice says the same however far the microphone was turned down. A silent room is silenced altogether.

    Args:
        samples: of the whole recording.
        overwrite: whether they may become what is returned: of two hours, a copy takes 230 MB.
    """
    offset = _offset(samples)
    if offset:
        samples = np.subtract(samples, samples.dtype.type(offset), out=samples if overwrite else None)
        overwrite = True
    level = loudness(samples)
    # Over 110 ms, so that a click in a quiet recording is not what counts.
    smooth = uniform_filter1d(level, 11, mode="nearest")
    peak = float(smooth.max(initial=-np.inf))
    if peak < _NOTHING:
        return samples, level
    if len(level) * HOP >= _LONG and peak < _FAINT and peak - np.percentile(smooth, 10) < _BREADTH:
        samples = np.multiply(samples, samples.dtype.type(0), out=samples if overwrite else None)
        return samples, loudness(samples)
    gain = samples.dtype.type(10.0 ** ((_USUAL - peak) / 20.0))
    samples = np.multiply(samples, gain, out=samples if overwrite else None)
    return samples, loudness(samples)


def _offset(samples: np.ndarray) -> float:
    """What cheap microphones add to every sample, where it is no small part of the sound: it would pass for a noise
    that hides a quiet voice, and for its loudness."""
    mean = float(np.mean(samples, dtype=np.float64)) if len(samples) else 0.0
    if mean == 0.0:
        return 0.0
    size = _BLOCK * int(HOP * RATE)
    blocks = (samples[start : start + size].astype(np.float64) for start in range(0, len(samples), size))
    varies = max(sum(float(block @ block) for block in blocks) / len(samples) - mean * mean, 0.0)
    return mean if abs(mean) > _OFFSET * varies**0.5 else 0.0


def utterances(samples: np.ndarray, level: np.ndarray) -> list[Span]:
    """Stretches louder than their surroundings' floor, joined over short pauses, in order and apart.

    Args:
        samples: at `RATE`.
        level: their `loudness`.
    """
    if len(level) == 0 or level.max() < _QUIET:
        return []
    loud, varied = _above_floor(level)
    if not varied.all():
        # Hiss hides speech from a measure that hears high sounds best.
        lower, lower_varied = _above_floor(loudness(samples, -0.95))
        loud = np.where(varied, loud, lower & lower_varied)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], loud.astype(np.int8), [0]))))
    spans: list[Span] = []
    for start, end in edges.reshape(-1, 2) * HOP:
        if spans and start - spans[-1].end < _PAUSE:
            spans[-1] = Span(spans[-1].start, end)
        else:
            spans.append(Span(start, end))
    length = len(level) * HOP
    spans = [span for span in spans if span.end - span.start >= _SHORTEST]
    return [Span(max(span.start - _MARGIN, 0.0), min(span.end + _MARGIN, length)) for span in spans]


def _above_floor(level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which frames are louder than their surroundings' floor, and which have surroundings that vary: bool (frames,)."""
    # Floor and peak follow the recording: a quiet take after a loud one, or traffic that sets in, is judged by itself.
    coarse = level[:: int(0.1 / HOP)]
    window = min(len(coarse), 300) | 1
    floor = np.maximum(percentile_filter(coarse, 10, window, mode="nearest"), -90.0)
    peak = maximum_filter1d(coarse, window, mode="nearest")
    threshold = np.clip(floor + 0.35 * (peak - floor), peak - 38.0, peak - 12.0)
    threshold = np.maximum(np.repeat(threshold, int(0.1 / HOP))[: len(level)], _QUIET)
    # Hum, tones and noise are steady; speech never is.
    smooth = uniform_filter1d(level, 11, mode="nearest")[:: int(0.1 / HOP)]
    spread = maximum_filter1d(smooth, window, mode="nearest") - percentile_filter(smooth, 10, window, mode="nearest")
    varied = np.repeat(spread > _STEADY, int(0.1 / HOP))[: len(level)]
    return level > threshold, varied


def without(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    """Spans in order without what of them lies in holes, which are in order too."""
    for hole in holes:
        halves = [(Span(s.start, min(s.end, hole.start)), Span(max(s.start, hole.end), s.end)) for s in spans]
        spans = [half for both in halves for half in both if half.end - half.start >= _SHORTEST]
    return list(spans)


def chunks(spans: list[Span], level: np.ndarray, cuts: Sequence[float] = ()) -> list[Span]:
    """Utterances joined and cut for the recogniser: at most `LONGEST` seconds, cut at pauses or where it is quiet.

    Args:
        spans: `utterances`.
        level: `loudness`.
        cuts: seconds that no chunk may reach across: where a transcript begins or ends.
    """
    pieces: list[Span] = []
    for span in _parted(spans, cuts):
        while span.end - span.start > LONGEST:
            first, last = (int((span.start + share * LONGEST) / HOP) for share in (0.5, 1.0))
            smooth = uniform_filter1d(level[first:last], 7, mode="nearest")
            cut = (first + int(np.argmin(smooth))) * HOP
            pieces.append(Span(span.start, cut))
            span = Span(cut, span.end)
        pieces.append(span)
    joined: list[Span] = []
    for piece in pieces:
        # A word or two alone gives the recogniser little to go by.
        near = joined and piece.start - joined[-1].end < 0.8 and piece.end - joined[-1].start <= LONGEST
        if near and not any(joined[-1].end <= cut <= piece.start for cut in cuts):
            joined[-1] = Span(joined[-1].start, piece.end)
        else:
            joined.append(piece)
    return joined


def _parted(spans: list[Span], cuts: Sequence[float]) -> list[Span]:
    """Spans cut in two at some times, without the slivers that this leaves of their margins."""
    for cut in cuts:
        halves = [(Span(s.start, cut), Span(cut, s.end)) if s.start < cut < s.end else (s,) for s in spans]
        spans = [half for both in halves for half in both if half.end - half.start > _MARGIN + HOP]
    return spans
