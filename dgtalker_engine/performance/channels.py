"""The channels of a recording to one: their mean, except where one is upside down and the mean would be silence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

_OPPOSITE = -0.5
"""A correlation under which two channels are one, wired the wrong way round. Two microphones on one voice, however
they stand, are above; so are two people."""


def weights(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """What each channel is multiplied by before they are added: float32 (channels,).

    Args:
        blocks: of samples (n, channels), of the whole recording.
    """
    products, sums, count = np.zeros((1, 1)), np.zeros(1), 0
    for block in blocks:
        finite = np.nan_to_num(block.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        products, sums, count = products + finite.T @ finite, sums + finite.sum(axis=0), count + len(finite)
    # Of quiet voices, offsets of two channels would count for more than what is said.
    products = products - np.outer(sums, sums) / max(count, 1)
    powers = np.maximum(np.diag(products), 1e-30)
    loudest = int(powers.argmax())
    correlation = products[loudest] / np.sqrt(powers * powers[loudest])
    return (np.where(correlation < _OPPOSITE, -1.0, 1.0) / len(powers)).astype(np.float32)
