"""Live Link Face: a CSV of 61 values a frame, named in Pascal case, with time codes."""

from __future__ import annotations

import numpy as np

from ...rig import ARKIT_NAMES, HEAD_NAMES
from ..record import Performance
from . import names, timecode

HEAD_SIGNS = {"headYaw": 1.0, "headPitch": 1.0, "headRoll": -1.0}
"""Ours for theirs. Theirs are taken as turns about the axes of ARKit's face anchor, in radians: yaw about +Y, up, turns
the face to its own left as ours does; pitch about +X, its own left, looks down as ours does; roll about +Z, out of the
face, tilts the top of the head to its own right."""

_LOOK = np.radians(35.0)
"""The turn of the eyes at a look of 1 in ARKit."""


def text(performance: Performance) -> str:
    """A performance as Live Link Face writes it: all 52 blendshapes, and turns of the head and the eyes."""
    names.check(performance.names)
    header = [
        "Timecode",
        "BlendShapeCount",
        *map(names.pascal_case, ARKIT_NAMES),
        *map(names.pascal_case, HEAD_NAMES),
        *names.EYES,
    ]
    face = np.clip(performance.select(ARKIT_NAMES), 0.0, 1.0)
    head = performance.select(HEAD_NAMES) * np.array([HEAD_SIGNS[name] for name in HEAD_NAMES])
    values = np.concatenate([face, head, _eyes(performance)], axis=1)
    rows = [",".join(header)]
    for i, row in enumerate(values.tolist()):
        cells = ",".join(f"{value:.9g}" for value in row)
        rows.append(f"{timecode.code(i, performance.fps)},{len(row)},{cells}")
    return "\n".join(rows) + "\n"


def _eyes(performance: Performance) -> np.ndarray:
    """Yaw, pitch and roll of the left eye and the right one, radians (frames, 6)."""
    turns = []
    for side, to_left, to_right in (("Left", "Out", "In"), ("Right", "In", "Out")):
        look = {way: performance.curve(f"eyeLook{way}{side}") for way in ("In", "Out", "Up", "Down")}
        turns += [look[to_left] - look[to_right], look["Down"] - look["Up"], np.zeros(performance.frames)]
    return _LOOK * np.stack(turns, axis=1)
