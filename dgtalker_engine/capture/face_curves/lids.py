"""Lids: blinks that are found and close fully, and between them what the lids do besides following the gaze."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import percentile_filter
from scipy.signal import find_peaks, peak_widths

from ...performance.direction import ease
from . import filters

_OPEN_SECONDS, _OPEN_PERCENTILE = 3.0, 75
"""How far eyes are open is found around each moment: people squint for a while, and look down."""

_SHUT = 0.25
"""Of the usual opening: what is left between the landmarks of lids that touch, where the person never shuts them."""

_LEAST_HEIGHT, _LEAST_PROMINENCE = 0.42, 0.33
"""Of a blink, in parts of the whole way; a look down stays below."""

_LONGEST_SECONDS = 0.8
"""At half of its height: longer ones are eyes that are kept shut, which need no help."""

_FULL = 0.92
"""Of a blink's depth: from here on its lids touch."""

_REST = 0.12
"""What lids move about their usual opening without meaning anything."""


@dataclass(frozen=True, kw_only=True)
class Lids:
    """The curves of the lids, and when they blink.

    Attributes:
        blink: eyeBlinkLeft and eyeBlinkRight (T, 2), 1 in each blink's middle.
        wide: eyeWideLeft and eyeWideRight (T, 2).
        blinks: the pictures with the blinks' middles (n,).
        shut: pictures in which a blink hides the irises (T,) bool.
    """

    blink: np.ndarray
    wide: np.ndarray
    blinks: np.ndarray
    shut: np.ndarray


def lids(openings: np.ndarray, scores: Mapping[str, np.ndarray], fps: float) -> Lids:
    """The lids of one person.

    Args:
        openings: `Measures.lids` (T, 2).
        scores: `scores.calibrated`.
        fps: pictures per second.
    """
    window = max(3, round(_OPEN_SECONDS * fps)) | 1
    usual = percentile_filter(openings, _OPEN_PERCENTILE, size=(window, 1), mode="nearest")
    usual = filters.blurred(usual, 0.5 * fps)
    best = np.median(usual, axis=0)
    shut = np.clip(np.quantile(openings, 0.02, axis=0), 0.05 * best, _SHUT * best)
    closed = 1.0 - (openings - shut) / np.maximum(usual - shut, 1e-6)
    both = closed.mean(axis=1)
    peaks, intervals = find_blinks(both, fps)

    down = (scores["eyeLookDownLeft"] + scores["eyeLookDownRight"]) / 2
    between = np.clip((closed - 0.5 * down[:, None] - _REST) / (_FULL - _REST), 0.0, 1.0)
    between = filters.cored(between, 0.08 * fps, 0.12)
    blink = np.where(between > 0.02, between, 0.0)
    hidden = np.zeros(len(closed), bool)
    for peak, (first, last) in zip(peaks, intervals, strict=True):
        row = slice(first, last + 1)
        hidden[row] = True
        for side in range(2):
            curve = np.clip(closed[row, side], 0.0, None)
            top = max(float(curve[max(0, peak - first - 1) : peak - first + 2].max()), 0.3)
            ends = max(float(min(curve[0], curve[-1])), 0.0) if top > 0.3 else 0.0
            whole = np.clip((curve - ends) / max(top - ends, 1e-6), 0.0, 1.0) * (1.0 - ends) + ends
            blink[row, side] = np.maximum(blink[row, side], ease(whole / _FULL))
    wide = np.stack([scores["eyeWideLeft"], scores["eyeWideRight"]], axis=1) * (1.0 - blink)
    return Lids(blink=np.clip(blink, 0.0, 1.0), wide=wide, blinks=peaks, shut=hidden)


def find_blinks(closed: np.ndarray, fps: float) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The pictures in which blinks are the most shut (n,), and from which to which one each reaches.

    Args:
        closed: how far the eyes are shut, 0 as usual, 1 shut (T,).
        fps: pictures per second.
    """
    padded = np.pad(closed, 1, constant_values=0.0)  # a blink at the clip's end has its other half outside
    peaks, _ = find_peaks(padded, height=_LEAST_HEIGHT, prominence=_LEAST_PROMINENCE, distance=max(1, 0.1 * fps))
    half = peak_widths(padded, peaks, rel_height=0.5)
    brief = half[0] <= _LONGEST_SECONDS * fps
    peaks = peaks[brief]
    _, _, left, right = peak_widths(padded, peaks, rel_height=0.9)
    intervals = [
        (max(0, int(np.floor(a)) - 1), min(len(closed) - 1, int(np.ceil(b)) - 1))
        for a, b in zip(left, right, strict=True)
    ]
    return peaks - 1, intervals
