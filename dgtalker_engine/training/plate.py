"""What is behind the person of a clip, as if nobody were there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..capture import packages
from ..capture.clip import Clip

_FRAMES = 40
_PERSON = 60  # of 255: the matte of what is certainly not behind the person
_AROUND = 0.009  # of the picture's side, around the person


def plate(clip: Clip, gains: np.ndarray, progress: Callable[[float], None] = lambda _: None) -> np.ndarray:
    """The median of what frames show where nobody is; filled from its edges where somebody always is.

    Args:
        clip: whose pictures are read.
        gains: `exposure.gains` of the frames (T, 3).
        progress: is told the fraction done, and raises `Cancelled` to stop.

    Returns:
        uint8 (size, size, 3), in the clip's usual light.
    """
    cv2 = packages.load("cv2")
    size = clip.info.size
    chosen = np.unique(np.linspace(0, len(clip) - 1, min(len(clip), _FRAMES)).astype(int))
    wide = np.ones((2 * round(_AROUND * size) + 1,) * 2, np.uint8)
    persons = [cv2.dilate((clip.mask(i) > _PERSON).astype(np.uint8), wide) > 0 for i in chosen]
    pictures = [clip.frame(i) for i in chosen]
    light = gains[chosen, None]
    behind = np.zeros((size, size, 3), np.uint8)
    known = np.zeros((size, size), bool)
    for row in range(size):
        free = ~np.stack([person[row] for person in persons])
        shown = np.stack([picture[row] for picture in pictures]) / light
        here = np.where(free[..., None], shown, np.nan)
        known[row] = free.any(axis=0)
        behind[row, known[row]] = np.nanmedian(here[:, known[row]], axis=0).round().clip(0, 255)
        progress((row + 1) / size)
    return _filled(behind, known)


def _filled(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Unknown pixels as blurred sums of the known ones around them, by a pyramid (push and pull)."""
    cv2 = packages.load("cv2")
    colour, weight = picture.astype(np.float32) * known[..., None], known.astype(np.float32)
    if min(weight.shape) <= 2:
        return (colour / np.maximum(weight, 1e-6)[..., None]).astype(np.uint8)
    height, width = weight.shape
    small = (width // 2, height // 2)
    less = cv2.resize(weight, small, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(colour, small, interpolation=cv2.INTER_AREA) / np.maximum(less, 1e-6)[..., None]
    coarse = _filled(mean.round().astype(np.uint8), less > 0)
    coarse = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(known[..., None], picture, coarse)
