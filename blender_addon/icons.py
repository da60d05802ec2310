"""Pictures of ours as icons of Blender's panels."""

from __future__ import annotations

from typing import Any

import bpy.utils.previews
import numpy as np


def pixels(picture: np.ndarray) -> np.ndarray:
    """A picture as icons and previews have it, bottom row first, RGBA in each int32 (side · side,).

    Args:
        picture: uint8 (side, side, 4), top row first.
    """
    return np.ascontiguousarray(picture[::-1]).view(np.int32).ravel()


class Icons:
    """Square pictures by name, between `add` and `remove`."""

    def __init__(self) -> None:
        self._collection: Any = None

    def add(self) -> None:
        self._collection = bpy.utils.previews.new()

    def remove(self) -> None:
        bpy.utils.previews.remove(self._collection)
        self._collection = None

    def show(self, name: str, side: int, pixels: np.ndarray) -> None:
        """Pixels: int32 (side · side,), bottom row first, RGBA in each."""
        icon = self._collection[name] if name in self._collection else self._collection.new(name)
        icon.image_size = (side, side)
        icon.image_pixels.foreach_set(pixels)

    def drop(self, name: str) -> None:
        del self._collection[name]

    def pixels(self, name: str) -> np.ndarray:
        """What `show` was given, int32 (side · side,)."""
        icon = self._collection[name]
        pixels = np.empty(icon.image_size[0] * icon.image_size[1], np.int32)
        icon.image_pixels.foreach_get(pixels)
        return pixels

    def has(self, name: str) -> bool:
        """Whether `show` was given a picture of this name; without a window it has no number."""
        return name in self._collection

    def id_of(self, name: str) -> int:
        """For `template_icon`; 0 where there is no such picture yet."""
        return self._collection[name].icon_id if name in self._collection else 0
