"""Pictures from the engine: a Shot is rendered in bands of rows that each fit into one answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import MAX_BODY, Shot

from ..bridge import engine

_FLOAT = 4
"""Bytes."""


@dataclass(frozen=True)
class Picture:
    """RGBA (H, W, 4) premultiplied linear Rec.709, depth (H, W) in metres, the part (H, W) of each pixel that meshes
    hide of the heads, and by name what else its shot asks for, (H, W, channels); float32, top row first."""

    rgba: np.ndarray
    depth: np.ndarray
    hidden: np.ndarray
    planes: dict[str, np.ndarray]


def bands(shot: Shot, max_bytes: int = MAX_BODY) -> list[Shot]:
    """The shot's region, from its top, in pieces whose answers have at most `max_bytes`."""
    x, y, width, height = shot.region or (0, 0, shot.width, shot.height)
    rows = max_bytes // (width * shot.numbers_per_pixel * _FLOAT)
    tops = range(0, height, rows)
    return [replace(shot, region=(x, y + top, width, min(rows, height - top))) for top in tops]


def render(
    shot: Shot,
    on_progress: Callable[[float, str], None] | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> Picture:
    """Render the region of a Shot of one frame.

    Raises:
        DGTalkerError: the engine cannot be started or cannot render this; Cancelled when `should_cancel` says so.
    """
    reply = engine.request("render", {}, shot.to_json().encode(), on_progress=on_progress, should_cancel=should_cancel)
    width, height = reply.header["width"], reply.header["height"]
    numbers = np.frombuffer(reply.body, "<f4")
    wrong_size = shot.region and (width, height) != shot.region[2:]
    if wrong_size or len(numbers) != width * height * shot.numbers_per_pixel:
        raise DGTalkerError("The engine's picture does not have the size that was asked for.", "Restart the engine.")
    counts = [4, 1, 1, *(len(each.letters) for each in shot.planes)]
    rgba, depth, hidden, *more = np.split(numbers, np.cumsum(counts)[:-1] * width * height)
    planes = {each.name: part.reshape(height, width, -1) for each, part in zip(shot.planes, more, strict=True)}
    return Picture(rgba.reshape(height, width, 4), depth.reshape(height, width), hidden.reshape(height, width), planes)
