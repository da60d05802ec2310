"""Whose face is taken, from which shot, and the square that holds it all the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import DGTalkerError
from .clip import Crop
from .scan import Look, Scan, overlap

LEAST_FACE = 96
"""Pixels from the forehead to the chin below which a face is refused."""
GOOD_FACE = 250

_LIKE = 0.75
"""Two faces whose claims differ by less than this leave it unclear who is meant."""
_TOGETHER = 0.3
_LOST_SECONDS = 1.0

_BESIDE, _ABOVE, _BELOW = 0.45, 0.12, 0.5
"""Room in the crop: beside the face in widths of it, above the hair and below the chin in heights of it."""


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A face through a shot.

    Attributes:
        start, end: of the shot, s in the file's time; the end is that of its last picture.
        times: of the looks that found the face (m,).
        boxes: in them, pixels of the upright video (m, 4).
        tops: how high the hair reaches, pixels (m,).
        notes: what was left out, sentences.
    """

    start: float
    end: float
    times: np.ndarray
    boxes: np.ndarray
    tops: np.ndarray
    notes: tuple[str, ...]

    def box_at(self, time: float) -> np.ndarray:
        """Where the face is about then (4,)."""
        return np.array([np.interp(time, self.times, self.boxes[:, k]) for k in range(4)])


def follow(scan: Scan, size: tuple[int, int], name: str) -> Followed:
    """The face of the shot that shows one the longest.

    Args:
        scan: of the video.
        size: width and height of the upright video.
        name: of the video, for messages.

    Raises:
        DGTalkerError: no face was found, it is too small, or several faces have the same claim in every shot.
    """
    bounds = [*scan.cuts, len(scan.times)]
    best: Followed | None = None
    unclear: DGTalkerError | None = None
    for first, after in pairwise(bounds):
        looks = [look for look in scan.looks if first <= look.frame < after]
        start, end = float(scan.times[first]), float(scan.times[after - 1])
        try:
            found = _follow_in_shot(looks, start, end, size, name)
        except DGTalkerError as error:
            unclear = error
            continue
        if found and (best is None or len(found.times) > len(best.times)):
            best = found
    if best is None and unclear:
        raise unclear
    if best is None:
        raise DGTalkerError(
            f"No face was found in {name}.", "It has to be seen from the front, not too small, in good light."
        )
    height = float(np.median(best.boxes[:, 3] - best.boxes[:, 1]))
    if height < LEAST_FACE:
        raise DGTalkerError(
            f"The face in {name} is {height:.0f} px high; it needs {LEAST_FACE}, better {GOOD_FACE}.",
            "Film from nearer, or give the original file rather than a smaller copy.",
        )
    notes = list(best.notes)
    if len(scan.cuts) > 1:
        notes.append(
            f"The video has {len(scan.cuts)} shots: the one from {best.start:.1f} s to {best.end:.1f} s, which shows "
            "the face the longest, was taken."
        )
    if height < GOOD_FACE:
        notes.append(f"The face is {height:.0f} px high: skin and hair come out soft. {GOOD_FACE} px are good.")
    return Followed(
        start=best.start, end=best.end, times=best.times, boxes=best.boxes, tops=best.tops, notes=tuple(notes)
    )


def _follow_in_shot(
    looks: Sequence[Look], start: float, end: float, size: tuple[int, int], name: str
) -> Followed | None:
    people = _people(looks)
    if not people:
        return None
    claims = [sum(_claim(box, size) for _, box, _ in person) for person in people]
    order = np.argsort(claims)[::-1]
    chosen = people[order[0]]
    times = {time for time, _, _ in chosen}
    for other in order[1:]:
        together = [time for time, _, _ in people[other] if time in times]
        if len(together) > _TOGETHER * len(times) and claims[other] > _LIKE * claims[order[0]]:
            raise DGTalkerError(
                f"{name} shows several faces of about the same size, at {together[0]:.1f} s for example.",
                "Crop the video to the one that is meant, or take a stretch with --start and --seconds.",
            )
    notes = ()
    if len(people) > 1:
        notes = ("Other faces are in the picture: the largest and most central one was followed.",)
    return Followed(
        start=start,
        end=end,
        times=np.array([time for time, _, _ in chosen]),
        boxes=np.stack([box for _, box, _ in chosen]),
        tops=np.array([top for _, _, top in chosen]),
        notes=notes,
    )


_Sight = tuple[float, np.ndarray, float]


def _people(looks: Sequence[Look]) -> list[list[_Sight]]:
    """Faces that keep their place from look to look, each as its sights (time, box, top of the hair)."""
    people: list[list[_Sight]] = []
    for look in looks:
        free = set(range(len(look.boxes)))
        for person in sorted(people, key=lambda person: -person[-1][0]):
            time, last, _ = person[-1]
            nearest = max(free, key=lambda i: overlap(last, look.boxes[i]), default=None)
            if nearest is None:
                break
            reach = 0.2 if look.time - time < _LOST_SECONDS else 0.4
            if overlap(last, look.boxes[nearest]) > reach:
                free.remove(nearest)
                person.append((look.time, look.boxes[nearest], float(look.tops[nearest])))
        people += [[(look.time, look.boxes[i], float(look.tops[i]))] for i in free]
    return people


def _claim(box: np.ndarray, size: tuple[int, int]) -> float:
    """How much a face looks like the one that is meant: large, and in the picture's middle."""
    middle = np.array([box[0] + box[2], box[1] + box[3]]) / 2 / np.array(size)
    aside = min(1.0, float(np.linalg.norm(2 * middle - 1)))
    return float(box[3] - box[1]) * (1 - 0.5 * aside)


def square_crop(followed: Followed, size: tuple[int, int]) -> Crop:
    """The square of the video that holds the face, its hair and some shoulders over the whole shot.

    Where the picture is too small for all of it, shoulders go first. It never reaches out of the picture.

    Args:
        followed: the face.
        size: width and height of the upright video.
    """
    boxes = followed.boxes
    width = float(np.median(boxes[:, 2] - boxes[:, 0]))
    height = float(np.median(boxes[:, 3] - boxes[:, 1]))
    left, right = np.quantile(boxes[:, 0], 0.02), np.quantile(boxes[:, 2], 0.98)
    chin = np.quantile(boxes[:, 3], 0.98)
    left, right = left - _BESIDE * width, right + _BESIDE * width
    top, bottom = np.quantile(followed.tops, 0.1) - _ABOVE * height, chin + _BELOW * height
    side = int(min(max(right - left, bottom - top), *size))
    y = max(top, chin + 0.1 * height - side) if side < bottom - top else top - 0.4 * (side - (bottom - top))
    x = (left + right - side) / 2
    return Crop(x=int(np.clip(round(x), 0, size[0] - side)), y=int(np.clip(round(y), 0, size[1] - side)), side=side)
