"""How a camera's exposure and white balance drift over a clip: phones and webcams follow what they see."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import binary_dilation, median_filter

from ..capture import pictures
from ..capture.clip import Clip

_SIDE = 128
_MATTE = 8  # of 255: what is above it may show the person
_APART = 3  # pixels from the person
_DARK, _LIGHT = 40, 230  # between them a pixel's colour follows the exposure
_LEAST_PIXELS, _MOST_PIXELS = 160, 2000
_LEAST_DRIFT = 0.004  # standard deviation: less is noise
_LEAST_CHANGE = 1e-6  # standard deviation of the skin's: below it nothing is alike
_MOST_GAIN = 2.0  # to either side: more is no camera's
_LEAST_LIKENESS = 0.5  # correlation of what changes around the person and on the face
_FRAMES = 5  # of a running median
_REFERENCE = 40  # frames
_SKIN = (10, 67, 109, 297, 338, 151, 9, 8, 168, 6, 197, 195, 5, 50, 280, 101, 330, 117, 346, 118, 347)
"""Landmarks of forehead, nose and cheeks."""


def gains(clip: Clip, progress: Callable[[float], None] = lambda _: None) -> np.ndarray:
    """By which each frame is lighter than the clip usually is, per channel of sRGB, float32 (T, 3).

    It is measured where nobody ever is, and counts where the face's skin changes with it: what moves or flickers behind
    a person does not change the light on the face. 1 in all frames where there is no drift.

    Args:
        clip: whose pictures are read.
        progress: is told the fraction done, and raises `Cancelled` to stop.
    """
    count = len(clip)
    nobody = np.ones((_SIDE, _SIDE), bool)
    for index in range(count):
        matte = pictures.resize(clip.mask(index), _SIDE)
        nobody &= np.logical_not(binary_dilation(matte > _MATTE, iterations=_APART))
        progress(0.4 * (index + 1) / count)
    none = np.ones((count, 3), np.float32)
    if nobody.sum() < _LEAST_PIXELS:
        return none
    rows_behind, columns_behind = (line[:: -(-len(line) // _MOST_PIXELS)] for line in np.nonzero(nobody))
    behind = np.empty((count, len(rows_behind), 3), np.uint8)
    skin = np.empty((count, len(_SKIN), 3), np.float32)
    for index in range(count):
        picture = pictures.resize(clip.frame(index), _SIDE)
        behind[index] = picture[rows_behind, columns_behind]
        places = clip.tracks.landmarks[index][list(_SKIN), :2] * (_SIDE / clip.info.size)
        columns, rows = places.astype(int).clip(1, _SIDE - 2).T
        around = [picture[rows + dy, columns + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        skin[index] = np.mean(around, axis=0)
        progress(0.4 + 0.6 * (index + 1) / count)
    spread = np.unique(np.linspace(0, count - 1, _REFERENCE).astype(int))
    usual = np.median(behind[spread], axis=0)
    used = ((usual > _DARK) & (usual < _LIGHT)).all(axis=1)
    if used.sum() < _LEAST_PIXELS:
        return none
    found = np.stack([np.median(frame[used] / usual[used], axis=0) for frame in behind])
    found = median_filter(found, size=(_FRAMES, 1), mode="nearest")
    found /= np.median(found, axis=0)
    on_skin = np.median(skin / np.maximum(np.median(skin[spread], axis=0), 1), axis=(1, 2))
    drift = found.mean(axis=1)
    if drift.std() < _LEAST_DRIFT or on_skin.std() < _LEAST_CHANGE:
        return none
    if np.corrcoef(drift, on_skin)[0, 1] < _LEAST_LIKENESS:
        return none
    return found.clip(1 / _MOST_GAIN, _MOST_GAIN).astype(np.float32)
