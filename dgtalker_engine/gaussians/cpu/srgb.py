"""Pictures in sRGB to scene-linear ones."""

from __future__ import annotations

import numpy as np

from ...kernels.compilation import kernel
from ...kernels.simd import LANES, any_of, every, load, store, where
from ...kernels.srgb import decode_lanes
from ...kernels.thread_pool import atomic_increment

_AT_ONCE = 4096  # pixels that a thread takes


@kernel
def decode_picture(rgb, alpha, rgba, counter):
    """Premultiplied sRGB → premultiplied linear, some pixels after others until none is left.

    Args:
        rgb, alpha: float32 (3 · pixels,) and (pixels,).
        rgba: float32 (4 · pixels,), 0 at first, written where something is seen.
        counter: int64 (1,), 0 at first, shared by all threads.
    """
    colours, opacities = np.zeros(3 * LANES, np.float32), np.zeros(3 * LANES, np.float32)
    none = every(np.float32(0))
    nothing = np.float32(0)
    while True:
        start = atomic_increment(counter) * _AT_ONCE
        if start >= len(alpha):
            return
        for first in range(start, min(start + _AT_ONCE, len(alpha)), LANES):
            count = min(LANES, len(alpha) - first)
            if count == LANES and not any_of(load(alpha, first) > nothing):
                continue
            for pixel in range(count):
                for channel in range(3):
                    opacities[3 * pixel + channel] = alpha[first + pixel]
                    colours[3 * pixel + channel] = rgb[3 * (first + pixel) + channel]
            for part in range(0, 3 * LANES, LANES):
                opacity = load(opacities, part)
                seen = opacity > nothing
                if any_of(seen):
                    linear = decode_lanes(load(colours, part) / where(seen, opacity, every(np.float32(1)))) * opacity
                    store(colours, part, where(seen, linear, none))
                else:
                    store(colours, part, none)
            for pixel in range(count):
                for channel in range(3):
                    rgba[4 * (first + pixel) + channel] = colours[3 * pixel + channel]
                rgba[4 * (first + pixel) + 3] = alpha[first + pixel]
