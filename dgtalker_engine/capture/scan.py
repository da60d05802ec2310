"""The first, quick pass over a video: where it is cut, where faces are, and how high the hair reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DGTalkerError
from . import packages
from .faces import FaceLandmarker
from .person_mask import PersonMask
from .progress import Progress
from .video import Video

LOOKS_PER_SECOND = 5

_LONGEST_SIDE = 960
_THUMBNAIL = 16
_CUT = 18.0
"""Mean change of a thumbnail's values, of 255, that is a cut: heads that turn fast before a camera stay below 10."""
_CUT_AGAINST_AROUND = 4.0
_FLASH_FRAMES = 3
_AROUND = 12
_TOGETHER = 1000


@dataclass(frozen=True, kw_only=True)
class Look:
    """The faces in one picture of the scan.

    Attributes:
        frame: number of the picture in the scan.
        time: s, in the file's time.
        boxes: left, top, right, bottom of each face's landmarks (n, 4), pixels of the upright video.
        tops: how high the person above each face reaches, hair included (n,), pixels.
    """

    frame: int
    time: float
    boxes: np.ndarray
    tops: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What the first pass found.

    Attributes:
        times: of all pictures, s in the file's time, float64 (N,).
        cuts: numbers of the pictures with which shots begin, the first picture's among them.
        looks: some pictures, `LOOKS_PER_SECOND`.
    """

    times: np.ndarray
    cuts: tuple[int, ...]
    looks: tuple[Look, ...]

    @property
    def fps(self) -> float:
        """Pictures per second: the rate that most of them keep, a usual one where it is near one."""
        steps = np.sort(np.diff(self.times))
        if len(steps) == 0:
            return 25.0
        middle = steps[len(steps) // 10 : max(len(steps) // 10 + 1, len(steps) - len(steps) // 10)]
        fps = float(1 / middle.mean())
        usual = np.array([15, 24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60, 100, 120])
        nearest = float(usual[np.argmin(np.abs(usual - fps))])
        return nearest if abs(nearest - fps) < 0.001 * fps else fps


def scan(video: Video, start: float, end: float, progress: Progress) -> Scan:
    """Reads a stretch of a video once.

    Raises:
        DGTalkerError: there are no pictures in it.
    """
    cv2 = packages.load("cv2")
    times: list[float] = []
    thumbnails: list[np.ndarray] = []
    looks: list[Look] = []
    length = max(1e-6, min(end, video.begins + video.seconds) - start)
    next_look = -np.inf
    with FaceLandmarker(most=4, video=False) as landmarker, PersonMask() as person:
        for time, picture in video.frames(start, end, longest_side=_LONGEST_SIDE):
            progress(min(1.0, (time - start) / length), "Looking for the face")
            thumbnails.append(cv2.resize(picture, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA))
            if time >= next_look:
                looks.append(_look(landmarker, person, len(times), time, picture, video))
                next_look = time + 1 / LOOKS_PER_SECOND
            times.append(time)
    if not times:
        raise DGTalkerError(
            f"{video.path} has no pictures between {start:g} s and the stretch's end.", "Take another stretch."
        )
    return Scan(times=np.array(times), cuts=find_cuts(np.stack(thumbnails)), looks=tuple(looks))


def find_cuts(thumbnails: np.ndarray) -> tuple[int, ...]:
    """Numbers of the pictures with which shots begin, of small pictures uint8 (N, h, w, 3); 0 is the first.

    A cut changes much more than the pictures around it do, and none behind it is like those before, as after a flash.
    """
    values = thumbnails.reshape(len(thumbnails), -1)
    # in parts: as numbers that may be negative, all pictures of a long film take more than a gigabyte
    parts = [values[first : first + _TOGETHER + 1] for first in range(0, len(values) - 1, _TOGETHER)]
    changes = [np.abs(np.diff(part.astype(np.float32), axis=0)).mean(axis=1) for part in parts]
    changes = np.concatenate([np.zeros(0, np.float32), *changes])
    cuts = [0]
    for i in np.flatnonzero(changes > _CUT):
        around = np.concatenate([changes[max(0, i - _AROUND) : i], changes[i + 1 : i + 1 + _AROUND]])
        near = values[max(0, i - _FLASH_FRAMES) : i + 2 + _FLASH_FRAMES].astype(np.float32)
        before, after = np.split(near, [min(i, _FLASH_FRAMES) + 1])
        lasting = np.abs(before[:, None] - after[None]).mean(axis=2).min()
        if lasting > _CUT / 2 and (len(around) == 0 or changes[i] > _CUT_AGAINST_AROUND * np.median(around)):
            cuts.append(int(i) + 1)
    return tuple(cuts)


def _look(
    landmarker: FaceLandmarker, person: PersonMask, frame: int, time: float, picture: np.ndarray, video: Video
) -> Look:
    height, width = picture.shape[:2]
    boxes = [face.box for face in landmarker.find(picture)]
    if not boxes:
        # The detector sees 128 × 128 pixels: small faces are found in parts of the picture.
        side = min(height, width)
        for x in np.linspace(0, width - side, 3 if width > 1.2 * side else 1).astype(int):
            for y in np.linspace(0, height - side, 3 if height > 1.2 * side else 1).astype(int):
                part = picture[y : y + side, x : x + side]
                boxes += [face.box + np.array((x, y, x, y)) for face in landmarker.find(part)]
        boxes = _distinct(boxes)
    matte = person.cut_out(picture) if boxes else None
    tops = [_top(matte, box) for box in boxes] if matte is not None else []
    scale = video.width / width
    return Look(
        frame=frame,
        time=time,
        boxes=np.array(boxes, np.float64).reshape(-1, 4) * scale,
        tops=np.array(tops, np.float64) * scale,
    )


def _top(matte: np.ndarray, box: np.ndarray) -> float:
    """The row where the person above a face begins, no more than a face's height above it."""
    left, top, right, bottom = box
    columns = matte[:, max(0, int(left)) : max(1, int(right))]
    if columns.shape[1] == 0:
        return float(top)
    covered = (columns > 127).mean(axis=1) > 0.1
    highest = max(0, int(top - (bottom - top)))
    rows = np.arange(highest, max(highest + 1, int(top)))
    empty = rows[~covered[np.clip(rows, 0, len(covered) - 1)]]
    return float(empty.max() + 1 if len(empty) else highest)


def _distinct(boxes: list[np.ndarray]) -> list[np.ndarray]:
    """One of each group of boxes that lie over each other."""
    kept: list[np.ndarray] = []
    for box in boxes:
        if all(overlap(box, other) < 0.3 for other in kept):
            kept.append(box)
    return kept


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """What two boxes (4,) share, of what they cover together."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return float(shared / max(both - shared, 1e-9))
