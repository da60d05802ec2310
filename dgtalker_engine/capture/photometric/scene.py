"""A clip's frames as photometric fitting sees them: small, with the head's mask, and what is behind the head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from ...gaussians import Camera
from .. import packages, pictures
from ..clip import Clip
from ..face_model import FaceModel
from ..regions import MOUTH_LANDMARKS, MOUTH_MARGIN, FrameRegions, frame_regions
from ..tracks import Tracks

SIDE = 256
"""Pixels of a frame's side."""

_MARGIN = 0.03  # of the side, around the head
_GRID = 16  # pixels, the renderer's tiles
_MOUTH_WEIGHT = 0.1
_PLATE_FRAMES = 40
_KEPT = 1024  # pictures in memory, 200 kB each; those of longer clips are read again


@dataclass(frozen=True)
class View:
    """A frame's part with the head.

    Attributes:
        region: x, y, width, height in the frame of side `SIDE`, pixels.
        wanted: what the frame shows there, float32 (height, width, 3), 0 to 1.
        behind: what is behind the head; where the head is not, the frame itself.
        weights: of its pixels where poses are found, float32 (height, width): the mouth moves by itself.
    """

    region: tuple[int, int, int, int]
    wanted: np.ndarray
    behind: np.ndarray
    weights: np.ndarray


class Scene:
    """Frames of a clip, whose pictures may be used.

    Args:
        clip: its tracks hold identity, expressions, and poses to begin with.
        frames: numbers of those whose pictures are used (n,), rising.
        check: told how much is read, 0 to 1; raises to stop.
    """

    def __init__(self, clip: Clip, face_model: FaceModel, frames: np.ndarray, check: Callable[[float], None]) -> None:
        self.clip, self.face_model, self.frames = clip, face_model, frames
        self.tracks: Tracks = clip.tracks
        self._picture = lru_cache(_KEPT)(lambda frame: pictures.resize(clip.frame(frame), SIDE))
        self._heads: dict[int, np.ndarray] = {}
        for row, frame in enumerate(frames):
            check(row / len(frames))
            self._heads[int(frame)] = np.packbits(self.regions(int(frame)).head)
        self._plate = self._behind_all_heads()

    def vertices(self, frame: int) -> torch.Tensor:
        """The posed mesh of a frame in head space, metres (V, 3)."""
        tracks = self.tracks
        parts = (tracks.identity, tracks.expression[frame], tracks.pose[frame])
        return self.face_model.vertices(*(torch.from_numpy(np.asarray(part, np.float32)) for part in parts))

    def camera(self, frame: int, pose: np.ndarray | None = None) -> Camera:
        """Of the small frame, with another pose (4, 4) than the tracks' where one is given."""
        focal = self.tracks.focal * SIDE / self.clip.info.size
        K = np.array([[focal, 0, SIDE / 2], [0, focal, SIDE / 2], [0, 0, 1]])
        seen = self.tracks.head_to_camera[frame] if pose is None else pose
        return Camera(K=K, world_to_camera=seen.astype(np.float64), width=SIDE, height=SIDE)

    def regions(self, frame: int) -> FrameRegions:
        """The small frame, labelled with the poses to begin with."""
        matte = pictures.resize(self.clip.mask(frame), SIDE)
        return frame_regions(self.face_model, self.vertices(frame).numpy(), self.camera(frame), matte)

    def picture(self, frame: int) -> np.ndarray:
        """Uint8 (SIDE, SIDE, 3)."""
        return self._picture(frame)

    def head(self, frame: int) -> np.ndarray:
        """The head's mask, bool (SIDE, SIDE)."""
        return np.unpackbits(self._heads[frame]).reshape(SIDE, SIDE).astype(bool)

    def view(self, frame: int) -> View:
        """The part of a frame with the head."""
        head, picture = self.head(frame), self.picture(frame)
        x, y, width, height = region = _box(head)
        part = (slice(y, y + height), slice(x, x + width))
        behind = np.where(head[part][..., None], self._plate[part], picture[part])
        return View(
            region,
            picture[part].astype(np.float32) / 255,
            behind.astype(np.float32) / 255,
            np.ascontiguousarray(self._weights(frame)[part]),
        )

    def _weights(self, frame: int) -> np.ndarray:
        weights = np.ones((SIDE, SIDE), np.float32)
        points = self.tracks.landmarks[frame][list(MOUTH_LANDMARKS), :2] / self.clip.info.size
        left, top = (points.min(0) - MOUTH_MARGIN) * SIDE
        right, bottom = (points.max(0) + MOUTH_MARGIN) * SIDE
        rows = slice(max(0, int(top)), max(0, int(np.ceil(bottom))))
        weights[rows, max(0, int(left)) : max(0, int(np.ceil(right)))] = _MOUTH_WEIGHT
        return weights

    def _behind_all_heads(self) -> np.ndarray:
        """The median of what is not the head, uint8 (SIDE, SIDE, 3), filled in where the head always is."""
        cv2 = packages.load("cv2")
        chosen = self.frames[np.linspace(0, len(self.frames) - 1, min(len(self.frames), _PLATE_FRAMES)).astype(int)]
        around = np.ones((5, 5), np.uint8)
        heads = np.stack([cv2.dilate(self.head(int(frame)).astype(np.uint8), around) > 0 for frame in chosen])
        stack = np.stack([self.picture(int(frame)) for frame in chosen]).astype(np.float32)
        stack[heads] = np.inf  # sorted behind what is seen
        stack.sort(axis=0)
        seen = (~heads).sum(axis=0)
        plate = np.take_along_axis(stack, (np.maximum(seen - 1, 0) // 2)[None, ..., None], axis=0)[0]
        plate[seen == 0] = 0
        return cv2.inpaint(plate.astype(np.uint8), (seen == 0).astype(np.uint8), 3, cv2.INPAINT_TELEA)


def _box(head: np.ndarray) -> tuple[int, int, int, int]:
    """x, y, width and height around a mask, whole tiles."""
    rows, columns = np.flatnonzero(head.any(1)), np.flatnonzero(head.any(0))
    if len(rows) == 0:
        return 0, 0, SIDE, SIDE
    margin = round(_MARGIN * SIDE)
    x, y = (max(0, int(line[0]) - margin) // _GRID * _GRID for line in (columns, rows))
    right, bottom = (min(SIDE, -(-(int(line[-1]) + 1 + margin) // _GRID) * _GRID) for line in (columns, rows))
    return x, y, right - x, bottom - y
