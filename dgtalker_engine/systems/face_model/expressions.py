"""ARKit's expressions where the source's fall short: lids that close, and a tongue that comes out."""

from __future__ import annotations

import numpy as np

from ...rig import ARKIT_NAMES
from .landmark_loops import LEFT_LIDS, RIGHT_LIDS
from .source import FACE, GUMS_AND_TONGUE, Source

_COLUMNS = 25
_OVERLAP = 0.0004
_MOST = 1.35
_MOVED, _STILL = -0.001, -0.0005
_LID = 0.004
"""What is nearer to the landmarks of a lid's edge belongs to the lid. Metres, as are the three above."""

_TONGUE = slice(GUMS_AND_TONGUE.start + 2250, GUMS_AND_TONGUE.stop)
"""The tongue's vertices; among the last are some of the throat, which the jaw does not move."""
_TONGUE_MOVED = 0.015
_ROOT, _FRONT = 0.005, -0.045
_FLOOR, _TOP = -0.087, -0.077
"""Between them the tongue's motion begins: along y, and up from the mouth's floor."""
_OUT, _OVER_TEETH, _DOWN = 0.04, 0.009, 0.014
"""How far the tip comes out, how far it rises to pass the teeth, and how far it sinks beyond them, metres."""


def arkit_expressions(source: Source) -> np.ndarray:
    """The source's expressions, completed (52, N, 3)."""
    expressions = source.expression.copy()
    for side, lids in (("Left", LEFT_LIDS), ("Right", RIGHT_LIDS)):
        index = ARKIT_NAMES.index(f"eyeBlink{side}")
        expressions[index] = _closing(source, expressions[index], lids)
    expressions[ARKIT_NAMES.index("tongueOut")] = _tongue_out(source)
    return expressions


def _closing(source: Source, blink: np.ndarray, lids: tuple[int, ...]) -> np.ndarray:
    """A blink (N, 3) that leaves no slit: the source's lashes hide one of a millimetre, and we have none.

    The upper lid's way is made longer, column by column, by what is missing.
    """
    edge = source.vertices[source.landmarks[list(lids)]]
    vertices = np.arange(FACE.start, FACE.stop)
    near = np.linalg.norm(source.vertices[vertices, None] - edge, axis=2).min(axis=1) < _LID
    vertices = vertices[near]
    closed = source.vertices[vertices] + blink[vertices]
    upper = blink[vertices, 2] < _MOVED
    lower = (blink[vertices, 2] > _STILL) & (source.vertices[vertices, 2] < edge[:, 2].mean())
    columns = np.linspace(edge[:, 0].min(), edge[:, 0].max(), _COLUMNS)
    width = columns[1] - columns[0]
    longer = np.ones(_COLUMNS)
    for i, x in enumerate(columns):
        here = np.abs(closed[:, 0] - x) < width
        if (here & upper).any() and (here & lower).any():
            lid = np.flatnonzero(here & upper)
            lid = lid[closed[lid, 2].argmin()]
            gap = closed[lid, 2] - closed[here & lower, 2].max()
            longer[i] = 1 + (gap + _OVERLAP) / -blink[vertices[lid], 2]
    longer = np.convolve(np.pad(np.clip(longer, 1, _MOST), 2, mode="edge"), np.full(5, 0.2), "valid")
    stretch = np.interp(source.vertices[:, 0], columns, longer)
    return np.where(blink[:, 2:] < 0, blink * stretch[:, None], blink)


def _tongue_out(source: Source) -> np.ndarray:
    """The source has none: the tongue grows from its root out over the lower teeth (N, 3)."""
    with_jaw = np.linalg.norm(source.expression[ARKIT_NAMES.index("jawOpen")], axis=1) > _TONGUE_MOVED
    tongue = np.zeros(len(with_jaw), bool)
    tongue[_TONGUE] = with_jaw[_TONGUE]
    y, z = source.vertices[:, 1], source.vertices[:, 2]
    out = _smooth((y - _ROOT) / (_FRONT - _ROOT)) * _smooth((z - _FLOOR) / (_TOP - _FLOOR)) * tongue
    beyond_teeth = np.clip((_FRONT + 0.01 - y) / 0.03, 0, 1) * out
    rise = _OVER_TEETH * out - _DOWN * beyond_teeth
    return np.stack([np.zeros_like(out), -_OUT * out, rise], axis=1)


def _smooth(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)
    return share**2 * (3 - 2 * share)
