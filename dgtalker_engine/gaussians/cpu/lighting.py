"""Colours of Gaussians in another light."""

from __future__ import annotations

import numpy as np

from ...kernels.compilation import kernel
from ...kernels.srgb import ENCODED_THRESHOLD, GAMMA, LINEAR_THRESHOLD, OFFSET, SCALE, SLOPE
from ...kernels.thread_pool import atomic_increment
from ..constants import SH_C0

_CHUNK = 1024  # Gaussians that a thread takes


@kernel
def light(sh, lit, nodes, weights, gains, counter):
    """Writes colours, chunk after chunk until none is left: `reference.lighting.light`.

    Args:
        sh, lit: float32 (N, 1, 3), degree 0; the second is written.
        nodes, weights: of Binding.
        gains: float32 (V, 3), of the mesh's vertices.
        counter: int64 (1,), 0 at first, shared by all threads.
    """
    while True:
        first = atomic_increment(counter) * _CHUNK
        if first >= len(sh):
            return
        for i in range(first, min(first + _CHUNK, len(sh))):
            red, green, blue = 0.0, 0.0, 0.0
            for k in range(nodes.shape[1]):
                weight, node = weights[i, k], nodes[i, k]
                red += weight * gains[node, 0]
                green += weight * gains[node, 1]
                blue += weight * gains[node, 2]
            lit[i, 0, 0] = _multiplied(sh[i, 0, 0], red)
            lit[i, 0, 1] = _multiplied(sh[i, 0, 1], green)
            lit[i, 0, 2] = _multiplied(sh[i, 0, 2], blue)


@kernel
def _multiplied(coefficient, gain):
    """The coefficient of the sRGB colour whose light is `gain` times as bright; NaN stays NaN."""
    colour = SH_C0 * coefficient + 0.5
    if colour <= ENCODED_THRESHOLD:
        linear = gain * max(colour, 0.0) / SLOPE
    else:
        linear = gain * ((colour + OFFSET) / SCALE) ** GAMMA
    encoded = SLOPE * linear if linear <= LINEAR_THRESHOLD else SCALE * linear ** (1.0 / GAMMA) - OFFSET
    return np.float32((encoded - 0.5) / SH_C0)
