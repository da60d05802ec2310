"""Which frames are drawn at once, and what is done when the GPU's memory runs out or the GPU fails. No gsplat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ...errors import DGTalkerError
from ..camera import Camera
from ..checks import Region, checked_region
from ..cloud import Gaussians

# Of one batch: about 1 GB of the GPU's memory each. More frames at once are not faster.
MOST_PIXELS = 2**24
MOST_GAUSSIANS = 2**22

Pictures = tuple[Any, ...]
"""What is drawn of one frame: arrays, or tensors, (height, width, …)."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Frames that are drawn at once: clouds of one size, cameras of one kind, one region."""

    clouds: Sequence[Gaussians]
    cameras: Sequence[Camera]
    region: Region

    def __len__(self) -> int:
        return len(self.clouds)

    def halves(self) -> list[Batch]:
        """Half of the frames each, or, of one frame, its upper and its lower rows; itself where it is one row."""
        half = len(self) // 2
        if half:
            first = replace(self, clouds=self.clouds[:half], cameras=self.cameras[:half])
            return [first, replace(self, clouds=self.clouds[half:], cameras=self.cameras[half:])]
        x, y, width, height = self.region
        rows = height // 2
        bands = [(x, y, width, rows), (x, y + rows, width, height - rows)] if rows else [self.region]
        return [replace(self, region=band) for band in bands]


Draw = Callable[[Batch], list[Pictures]]


class TooLargeError(Exception):
    """A batch needs more than the GPU's memory or gsplat's counters hold."""


def draw_all(
    clouds: Sequence[Gaussians],
    cameras: Sequence[Camera],
    region: Sequence[int] | None,
    draw: Draw,
    free: Callable[[], None],
) -> list[Pictures]:
    """Draws all frames, in batches.

    Args:
        clouds, cameras: one of each per frame.
        region: of every frame; the whole picture for None.
        draw: draws one batch; raises `torch.OutOfMemoryError` or `TooLargeError` where that is too large.
        free: gives back memory that nothing uses.

    Raises:
        DGTalkerError: code `gpu_memory` where even half of a batch is too large; code `gpu_failed` where the GPU has
            failed, and with it this process: another one can be asked the same.
    """
    drawn: list[Pictures] = []
    most = len(clouds)
    while len(drawn) < len(clouds):
        batch = _next_batch(clouds, cameras, region, len(drawn), most)
        pictures = _drawn(batch, draw)
        if pictures is None:
            most = max(1, len(batch) // 2)
            free()
            pictures = _drawn_in_halves(batch, draw)
        drawn += pictures
    return drawn


def _next_batch(
    clouds: Sequence[Gaussians], cameras: Sequence[Camera], region: Sequence[int] | None, start: int, most: int
) -> Batch:
    """As many of the frames from `start` on as are alike and not too many."""
    here = checked_region(cameras[start], region)
    most = min(most, MOST_PIXELS // (here[2] * here[3]), MOST_GAUSSIANS // max(1, len(clouds[start])))
    end = start + 1
    while end < min(start + most, len(clouds)) and _alike(clouds, cameras, start, end):
        end += 1
    return Batch(clouds=clouds[start:end], cameras=cameras[start:end], region=here)


def _alike(clouds: Sequence[Gaussians], cameras: Sequence[Camera], one: int, other: int) -> bool:
    """Whether gsplat can draw both frames at once."""
    a, b = cameras[one], cameras[other]
    return clouds[one].sh.shape == clouds[other].sh.shape and (
        (a.width, a.height, a.orthographic, a.near, a.far) == (b.width, b.height, b.orthographic, b.near, b.far)
    )


def _drawn(batch: Batch, draw: Draw) -> list[Pictures] | None:
    """The batch's frames, or None where it is too large; the error, and what it holds in memory, is gone then."""
    try:
        return draw(batch)
    except TooLargeError:
        return None
    except RuntimeError as error:
        # Too little memory for the host's side of a copy is an error of CUDA's own kind.
        if isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error):
            return None
        raise DGTalkerError(
            f"The GPU has failed: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            "If that happens again, update the driver, or set DGTALKER_BACKEND to cpu.",
            code="gpu_failed",
        ) from error


def _drawn_in_halves(batch: Batch, draw: Draw) -> list[Pictures]:
    halves: list[list[Pictures]] = []
    for half in batch.halves():
        drawn = _drawn(half, draw)
        if drawn is None:
            width, height = batch.region[2:]
            raise DGTalkerError(
                f"The GPU has not enough memory for a picture of {width} × {height} pixels of "
                f"{len(batch.clouds[0])} Gaussians.",
                "Close other programs that use the GPU, render a smaller picture, or set DGTALKER_BACKEND to cpu.",
                code="gpu_memory",
            )
        halves.append(drawn)
    if len(batch) > 1:
        return [pictures for half in halves for pictures in half]
    return [tuple(_joined(bands) for bands in zip(*(half[0] for half in halves), strict=True))]


def _joined(bands: Sequence[Any]) -> Any:
    """Bands of one picture, one below the other."""
    return torch.cat(list(bands)) if isinstance(bands[0], torch.Tensor) else np.concatenate(bands)
