"""From how far lips are open and how wide the mouth is, to the articulators that bring it about."""

from __future__ import annotations

import numpy as np

from ..visemes import ARTICULATORS

# Millimetres by which a whole articulator opens the lips and widens the mouth of the built-in heads.
_OPENS = {"jaw": 28.0, "lower": 7.0, "upper": 7.7, "pucker": 3.7, "funnel": 11.8}
_WIDENS = {"jaw": -5.7, "wide": 12.3, "pucker": -21.4, "funnel": -11.7}
_GAINS = np.array([[gains.get(name, 0.0) for name in ARTICULATORS] for gains in (_OPENS, _WIDENS)])

_ROOM = np.array([0.13, 0.20, 0.11, 0.13, 0.12, 0.10, 0.0])
"""How far each of `visemes.ARTICULATORS` moves in speech: the more, the more of a difference it takes upon itself."""

_ROUNDS = 4
"""More change nothing that is seen."""

_SOFT = 1e-3


def lips(articulators: np.ndarray) -> np.ndarray:
    """Millimetres by which articulators (n, `ARTICULATORS`) open the lips and widen the mouth, (n, 2)."""
    return articulators @ _GAINS.T


def reached(articulators: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The articulators nearest to some that open and widen the mouth as is wanted, and none of which is below 0.

    The least change, in units of `_ROOM`, is a matter of two equations; what would be below 0 stays there, and the
    others are asked again.

    Args:
        articulators: (n, `ARTICULATORS`).
        wanted: millimetres, `lips` of what is returned as far as it can be had (n, 2).
    """
    wanted = np.stack([np.maximum(wanted[:, 0], 0.0), wanted[:, 1]], axis=1)
    free = np.ones(articulators.shape, bool)
    result = articulators.astype(np.float64)
    for _ in range(_ROUNDS):
        ease = free * _ROOM**2
        system = np.einsum("oa,na,pa->nop", _GAINS, ease, _GAINS) + _SOFT * np.eye(2)
        missing = np.linalg.solve(system, (wanted - lips(result))[:, :, None])[:, :, 0]
        result = result + ease * (missing @ _GAINS)
        free &= result > 0.0
        result = np.where(free, result, 0.0)
    return result.astype(np.float32)
