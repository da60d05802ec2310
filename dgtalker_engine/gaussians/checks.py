"""What can be asked of a renderer, whichever draws."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..errors import DGTalkerError
from .camera import Camera

_BRIGHTEST = 1e15
"""Of a background: what is added to it stays finite in single precision."""

Region = tuple[int, int, int, int]
"""x, y, width, height in pixels, from the top left corner of the whole picture."""

Background = Sequence[float] | torch.Tensor
"""RGB in the Gaussians' colour space."""


def checked_region(camera: Camera, region: Sequence[int] | None) -> Region:
    """The region as four whole numbers; the whole picture for None.

    Raises:
        DGTalkerError: it is empty, or not inside the picture.
    """
    if region is None:
        return 0, 0, camera.width, camera.height
    x, y, width, height = (int(value) for value in region)
    if x < 0 or y < 0 or width < 1 or height < 1 or x + width > camera.width or y + height > camera.height:
        raise DGTalkerError(
            f"The region of {width} × {height} pixels at ({x}, {y}) is not inside the picture of "
            f"{camera.width} × {camera.height} pixels."
        )
    return x, y, width, height


def check_background(background: Background) -> None:
    """Raises DGTalkerError for what is not three finite numbers, or so large that a sum would not be finite."""
    values = background.tolist() if isinstance(background, torch.Tensor) else tuple(background)
    if len(values) != 3 or not all(abs(value) <= _BRIGHTEST for value in values):
        raise DGTalkerError(f"A background has three finite numbers, not {values}.")
