"""What is seen at once in a mouth that speaks: whether it rests, opens vowels in order, rounds, and bites."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from dgtalker_engine.performance import Performance
from dgtalker_engine.speech import visemes
from dgtalker_engine.speech.analysis.activity import Span
from dgtalker_engine.speech.front_end import Analysis

from .rig import RigLips
from .scores import LEAD, TOUCHING

OPEN, NARROW = frozenset(["AA", "AE", "AY", "AW"]), frozenset(["IY", "UW"])
ROUND, SPREAD = frozenset(["UW", "OW", "OY", "W"]), frozenset(["IY", "EH", "AE", "S", "Z"])

PAUSE = 0.3
"""Seconds of the shortest silence in which a mouth is looked at."""

_SPOKEN = (0.06, 0.35)
"""Seconds of phones that are long enough to be seen and short enough to be right."""

_RAISED = 0.5
"""Millimetres by which the upper lip shows the teeth."""


@dataclass(frozen=True)
class _Curves:
    """A performance's, over its clock."""

    clock: np.ndarray
    jaw: np.ndarray
    opening: np.ndarray
    raised: np.ndarray
    lowered: np.ndarray


def figures(performance: Performance, analysis: Analysis, lips: RigLips) -> dict[str, float]:
    """Figures of one clip; NaN where nothing in it can be measured.

    jaw_rest, jaw_speech, mm_rest, mm_speech: mean jawOpen, and millimetres between the lips, in silences of `PAUSE`
    and more and outside them. vowel_order: how often an open vowel is wider open than a narrow one. rounding: how
    often a rounded phone has more pucker and funnel than a spread one. fv_contact: F, V at which the lower lip is at
    the upper one's place at rest, where the teeth are, under a raised upper lip. shut_vowels: vowels through which
    lips touch. frame_1: millimetres between the lips in the first frame of a clip that begins with silence.
    """
    raised, lowered = lips.from_rest(performance)
    rounding = performance.curve("mouthPucker") + performance.curve("mouthFunnel")
    clock = np.arange(performance.frames) / performance.fps
    curves = _Curves(clock, performance.curve("jawOpen"), lips.measure(performance)[0], raised, lowered)
    silences = [span for span in analysis.pauses if span.end - span.start >= PAUSE]
    silent = np.zeros(len(clock), bool)
    for span in silences:
        silent |= (clock >= span.start) & (clock < span.end)
    begins = bool(silences) and silences[0].start <= 0.0 and silences[0].end > PAUSE
    return {
        "jaw_rest": _mean(curves.jaw[silent]),
        "jaw_speech": _mean(curves.jaw[~silent]),
        "mm_rest": _mean(curves.opening[silent]),
        "mm_speech": _mean(curves.opening[~silent]),
        "frame_1": float(curves.opening[0]) if begins else float("nan"),
        "vowel_order": _order(*(_middles(analysis, names, clock, curves.opening) for names in (OPEN, NARROW))),
        "rounding": _order(*(_middles(analysis, names, clock, rounding) for names in (ROUND, SPREAD))),
        "fv_contact": _mean([_bitten(span, curves) for span in _spans(analysis, visemes.LABIODENTALS)]),
        "shut_vowels": _mean([_shut(span, curves) for span in _spans(analysis, OPEN | NARROW | {"AH", "EH", "IH"})]),
    }


def _spans(analysis: Analysis, names: Collection[str]) -> list[Span]:
    """The phones of recognised words (there is no telling otherwise) of a plausible length."""
    shortest, longest = _SPOKEN
    words = [(word.start, word.end) for word in analysis.recognition.words]
    return [
        Span(phone.start, phone.end)
        for phone in analysis.phones
        if phone.name in names
        and shortest <= phone.end - phone.start <= longest
        and any(start <= (phone.start + phone.end) / 2 <= end for start, end in words)
    ]


def _middles(analysis: Analysis, names: Collection[str], clock: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """A curve (frames,) at the middles of phones, in the face's time."""
    middles = [(span.start + span.end) / 2 - LEAD for span in _spans(analysis, names)]
    return np.interp(middles, clock, curve)


def _during(span: Span, clock: np.ndarray) -> slice:
    return slice(int(np.searchsorted(clock, span.start - LEAD)), int(np.searchsorted(clock, span.end - LEAD / 2)) + 1)


def _bitten(span: Span, curves: _Curves) -> bool:
    part = _during(span, curves.clock)
    return bool(((curves.lowered[part] < TOUCHING) & (curves.raised[part] > _RAISED)).any())


def _shut(span: Span, curves: _Curves) -> bool:
    return bool((curves.opening[_during(span, curves.clock)] < TOUCHING).all())


def _order(above: np.ndarray, below: np.ndarray) -> float:
    """The chance that one of `above` is greater than one of `below`; 0.5 is blind."""
    if not len(above) or not len(below):
        return float("nan")
    ranks = rankdata([*above, *below])[: len(above)].sum()
    return float((ranks - len(above) * (len(above) + 1) / 2) / (len(above) * len(below)))


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
