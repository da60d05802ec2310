"""The gallery's pictures as Blender's panels and its asset browser have them."""

from __future__ import annotations

import numpy as np

from ..icons import Icons

icons = Icons()


def pixels(picture: np.ndarray) -> np.ndarray:
    """A picture as icons have it, bottom row first, RGBA in each int32 (side · side,).

    Args:
        picture: uint8 (side, side, 4), top row first.
    """
    return np.ascontiguousarray(picture[::-1]).view(np.int32).ravel()


def show(name: str, picture: np.ndarray) -> None:
    icons.show(name, len(picture), pixels(picture))
