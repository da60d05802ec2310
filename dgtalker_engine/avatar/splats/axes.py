"""How a file's axes lie in Blender, said as Blender's importers say it."""

from __future__ import annotations

import numpy as np

from ...errors import DGTalkerError

AXES = {
    "X": (1, 0, 0),
    "Y": (0, 1, 0),
    "Z": (0, 0, 1),
    "-X": (-1, 0, 0),
    "-Y": (0, -1, 0),
    "-Z": (0, 0, -1),
}
LARGEST_SCALE = 1e4


def matrix_from(forward: str, up: str, scale: float = 1.0) -> np.ndarray:
    """From a file to Blender's axes: (4, 4).

    Args:
        forward: the file's axis that becomes Blender's +Y, away from who looks from the front.
        up: the file's axis that becomes Blender's +Z.
        scale: metres of one unit of the file.

    Raises:
        DGTalkerError: the axes are the same or opposite, or unknown; or the scale is none.
    """
    if not 1 / LARGEST_SCALE <= scale <= LARGEST_SCALE:
        raise DGTalkerError(f"Splats cannot be scaled by {scale:g}.", "Give 0.0001 to 10000.")
    for axis in (forward, up):
        if axis not in AXES:
            raise DGTalkerError(f"There is no axis {axis!r}.", f"There are {', '.join(AXES)}.")
    away, above = np.array(AXES[forward], float), np.array(AXES[up], float)
    if away @ above:
        raise DGTalkerError(f"Forward {forward} and up {up} are one line.", "Choose two that are at right angles.")
    matrix = np.eye(4)
    matrix[:3, :3] = scale * np.stack([np.cross(away, above), away, above])
    return matrix
