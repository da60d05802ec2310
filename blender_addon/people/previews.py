"""The gallery's pictures as icons of Blender's panels."""

from __future__ import annotations

from typing import Any

import bpy.utils.previews
import numpy as np

_icons: Any = None


def pixels(picture: np.ndarray) -> np.ndarray:
    """A picture as icons have it, bottom row first, RGBA in each int32 (side · side,).

    Args:
        picture: uint8 (side, side, 4), top row first.
    """
    return np.ascontiguousarray(picture[::-1]).view(np.int32).ravel()


def show(name: str, picture: np.ndarray) -> None:
    icon = _icons[name] if name in _icons else _icons.new(name)
    icon.image_size = picture.shape[:2]
    icon.image_pixels.foreach_set(pixels(picture))


def icon_of(name: str) -> int:
    """For `template_icon`; 0 where there is no picture yet."""
    return _icons[name].icon_id if name in _icons else 0


def add() -> None:
    global _icons
    _icons = bpy.utils.previews.new()


def remove() -> None:
    global _icons
    bpy.utils.previews.remove(_icons)
    _icons = None
