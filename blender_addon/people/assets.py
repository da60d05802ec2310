"""Heads of people who do not exist in the asset browser."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..head import add
from ..icons import pixels
from ..properties import head_properties

MAKER = "DGTalker"
SIDE = 256
"""Of previews, pixels."""
TAGS = ("Gaussian head", "synthetic")


def mark(head: bpy.types.Object, picture: np.ndarray) -> None:
    """Makes an asset of a head.

    Args:
        head: any.
        picture: its preview, uint8 (side, side, 4), top row first.
    """
    head.asset_mark()
    data: Any = head.asset_data
    data.author = MAKER
    data.license = head_properties(head).licence
    data.description = ". ".join(add.consent_lines(head))
    for tag in TAGS:
        data.tags.new(tag, skip_if_exists=True)
    preview: Any = head.preview_ensure()
    preview.image_size = picture.shape[:2]
    preview.image_pixels.foreach_set(pixels(picture))
