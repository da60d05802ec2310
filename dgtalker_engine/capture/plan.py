"""What is to be taken from a video: decided from the scan, kept on the disk, so that a killed capture goes on."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import DGTalkerError
from ..files import write_whole
from .clip import Crop, Source
from .person import Followed, follow, square_crop
from .progress import Progress
from .scan import Scan, scan
from .video import Video

MOST_FPS = 30.5
"""Frames per second beyond which every second, third … picture is taken."""

BYTES_PER_PIXEL = 0.75
"""Of a frame and its mask together on the disk: noisy footage needs as much, clean footage half of it."""

_LONGEST = 1e7
"""Seconds of a video, which no video has."""
_SPARE_BYTES = 200 * 2**20
_MISSING_SECONDS = 2.0
"""That sound may last longer than pictures."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which frames of a video become a clip.

    Attributes:
        source: the video and the stretch.
        size: pixels of a frame's side.
        fps: frames per second.
        crop: the square that is cut out.
        followed: the face.
    """

    source: Source
    size: int
    fps: float
    crop: Crop
    followed: Followed

    @property
    def frames(self) -> int:
        """How many there are at most."""
        return math.floor((self.source.end - self.source.start) * self.fps + 0.5) + 1

    @property
    def bytes(self) -> int:
        """That the clip's pictures will need on the disk, about."""
        return round(self.frames * self.size**2 * BYTES_PER_PIXEL)

    def save(self, path: Path) -> None:
        data = dataclasses.asdict(self)
        for name in ("times", "boxes", "tops"):
            data["followed"][name] = data["followed"][name].tolist()
        write_whole(path, json.dumps(data).encode())

    @classmethod
    def load(cls, path: Path) -> Self:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        followed = data["followed"]
        for name in ("times", "boxes", "tops"):
            followed[name] = np.array(followed[name])
        followed["notes"] = tuple(followed["notes"])
        return cls(
            source=Source(**data["source"]),
            size=data["size"],
            fps=data["fps"],
            crop=Crop(**data["crop"]),
            followed=Followed(**followed),
        )


def check_stretch(start: float, seconds: float | None) -> None:
    """Whether something of a video can be in it. Raises DGTalkerError where not."""
    if not 0 <= start < _LONGEST or not (seconds is None or 0 < seconds < _LONGEST):
        raise DGTalkerError("The stretch that is to be taken is empty.", "Give a start from 0 on, and seconds above 0.")


def make_plan(video: Video, start: float, seconds: float | None, size: int, progress: Progress) -> Plan:
    """Scans a video and decides what is taken from it.

    Raises:
        DGTalkerError: as `follow`.
    """
    first = video.begins + start
    found = scan(video, first, math.inf if seconds is None else first + seconds, progress)
    upright = (video.width, video.height)
    followed = follow(found, upright, video.path.name)
    notes = (*followed.notes, *_notes(video, found, seconds))
    followed = dataclasses.replace(followed, notes=notes)
    fps = found.fps
    source = Source(
        name=video.path.name,
        digest=video.digest(),
        width=video.width,
        height=video.height,
        rotation=video.rotation,
        start=followed.start,
        end=followed.end,
        asked_start=start,
        asked_seconds=seconds,
    )
    return Plan(
        source=source,
        size=size,
        fps=fps / math.ceil(fps / MOST_FPS),
        crop=square_crop(followed, upright),
        followed=followed,
    )


def _notes(video: Video, found: Scan, seconds: float | None) -> Iterator[str]:
    if video.hdr:
        yield "The video is HDR: its colours were brought to those of an ordinary screen."
    if video.has_lost_sound:
        yield "The video's sound is of a kind that cannot be decoded: it is taken without."
    last, end = float(found.times[-1]), video.begins + video.seconds
    if seconds is None and end - last > _MISSING_SECONDS:
        yield f"The video's pictures can be read up to {last:.1f} s, though it says that it lasts {end:.1f} s."


def check_disk(plan: Plan, folder: Path) -> str:
    """How much room the clip will need, for the user to read.

    Raises:
        DGTalkerError: there is not as much, besides what was written before.
    """
    free = shutil.disk_usage(folder).free
    wanted = f"{plan.bytes / 2**20:.0f} MB"
    written = sum(path.stat().st_size for name in ("frames", "masks") for path in (folder / name).glob("*.*"))
    if free < plan.bytes - written + _SPARE_BYTES:
        raise DGTalkerError(
            f"The clip needs about {wanted} in {folder}, where {free / 2**20:.0f} MB are free.",
            "Make room, give another folder, or take a shorter stretch with --seconds.",
        )
    return f"{plan.frames} frames of {plan.size} × {plan.size} px, about {wanted} in {folder}"
