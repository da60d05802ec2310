"""The gallery's pictures as Blender's panels and its asset browser have them."""

from __future__ import annotations

import numpy as np

from ..icons import Icons, pixels

icons = Icons()


def show(name: str, picture: np.ndarray) -> None:
    icons.show(name, len(picture), pixels(picture))
