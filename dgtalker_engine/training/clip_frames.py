"""A clip's frames as trainings take them: at several scales, with what is behind the head, some kept for tests.

The head alone is learned: what is behind it in a view is the frame itself, with the head's place filled by what other
frames show there. So a picture of the head over its background is a whole frame again, as the published tables have it.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from ..capture import packages
from ..capture.clip import Clip
from ..capture.face_model import FaceModel, Region
from ..capture.regions import MOUTH_LANDMARKS, MOUTH_MARGIN, NOTHING, frame_regions
from ..capture.tracks import Tracks
from ..errors import DGTalkerError
from ..gaussians import Camera
from .exposure import gains
from .plate import plate

LEAST_FRAMES = 20
_MARGIN = 0.02  # of the picture's side, around the head
_GRID = 16  # pixels, which boxes begin and end on, so that they stay whole at half and quarter scale
_MOST_BYTES = 768 << 20
_MESHES = 1024  # posed meshes in memory, 90 kB each
_BAND = 0.008  # of the side: so far from its edge the head's mask is certain

Box = tuple[int, int, int, int]
"""x, y, width, height, pixels."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A frame around the head in the clip's usual light, float32 tensors.

    Attributes:
        picture: (h, w, 3), sRGB from 0 to 1.
        background: the same with the head taken out.
        head: (h, w), 1 where the head is.
        certain: (h, w), 0 along the mask's edge, where it may be wrong by some pixels, 1 elsewhere.
        labels: `capture.face_model.Region` that each pixel shows, `NOTHING` beside the face model, uint8 (h, w).
        camera: of the whole frame at the view's scale.
        region: where the view lies in it.
        mouth: rows and columns of the view around the mouth.
    """

    picture: Tensor
    background: Tensor
    head: Tensor
    certain: Tensor
    labels: Tensor
    camera: Camera
    region: Box
    mouth: tuple[slice, slice]


@dataclass(frozen=True)
class Split:
    """Which frames are for training and which for the test: the clip's beginning and its end."""

    training: tuple[int, ...]
    test: tuple[int, ...]

    @classmethod
    def of(cls, count: int, share: float) -> Split:
        """The first `share` of `count` frames for training; all of them where it is 1."""
        first = round(count * share)
        return cls(tuple(range(first)), tuple(range(first, count)))


class ClipFrames:
    """The frames of a clip, prepared. Views are kept within 768 MB, those used last; others are made anew.

    What is kept of every frame is some 5 kB, so that clips of ten minutes fit into memory.

    Attributes:
        clip: where they are from.
        tracks: the clip's, or those given.
        face_model: of this person: `neutral` has the clip's identity in it, and there are no identity components left.
        template: the mean face at rest, metres (V, 3).
        split: the frames for training and for the test.
        size: pixels of a frame's side.
        plate: what is behind the person, uint8 (size, size, 3), in the clip's usual light.
        gains: `exposure.gains` of the frames (T, 3).
    """

    def __init__(
        self,
        clip: Clip,
        face_model: FaceModel,
        *,
        share: float = 0.8,
        tracks: Tracks | None = None,
        progress: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Reads all frames once, for their masks and the background.

        Args:
            clip: to train from.
            face_model: that it was fitted with.
            share: of the frames that train; the others test. 1: all train.
            tracks: in place of the clip's own, of the same frames.
            progress: is told the fraction done, and raises `Cancelled` to stop.

        Raises:
            DGTalkerError: another face model was fitted, there are too few frames, no head is found in one, or the
                files cannot be read.
        """
        clip.check_face_model(face_model)
        if len(clip) < LEAST_FRAMES:
            raise DGTalkerError(
                f"The clip has {len(clip)} frames that can be used, and at least {LEAST_FRAMES} are needed.",
                "Give a video of five seconds or more in which the face looks at the camera.",
            )
        self.clip, self.tracks = clip, tracks or clip.tracks
        self.face_model = personal(face_model, self.tracks.identity)
        self.template = face_model.neutral
        self.size = clip.info.size
        self.split = Split.of(len(clip), share)
        heads = Rotation.from_matrix(self.tracks.head_to_camera[:, :3, :3])
        mean = heads[: len(self.split.training)].mean()
        self._turns = torch.from_numpy((mean.inv() * heads).as_rotvec().astype(np.float32))
        self._vertices = lru_cache(_MESHES)(self._posed)
        self._heads: list[bytes] = []
        self._labels: list[bytes] = []
        self._boxes: list[Box] = []
        self._cache: OrderedDict[tuple[int, int, bool], View] = OrderedDict()
        self._bytes = 0
        for index in range(len(clip)):
            self._label(index)
            progress(0.6 * (index + 1) / len(clip))
        self.gains = gains(clip, lambda done: progress(0.6 + 0.2 * done))
        self.plate = plate(clip, self.gains, lambda done: progress(0.8 + 0.2 * done))

    def __len__(self) -> int:
        return len(self.clip)

    def vertices(self, index: int) -> Tensor:
        """The posed face model in head space, metres (V, 3)."""
        return self._vertices(index)

    def expression(self, index: int) -> Tensor:
        """(E,)."""
        return torch.from_numpy(np.asarray(self.tracks.expression[index], np.float32))

    def joint_pose(self, index: int) -> Tensor:
        """(J, 3), axis-angle."""
        return torch.from_numpy(np.asarray(self.tracks.pose[index], np.float32))

    def turn(self, index: int) -> Tensor:
        """How the head is turned from the mean of the training frames: axis-angle in head space (3,)."""
        return self._turns[index]

    def camera(self, index: int, down: int = 1) -> Camera:
        """The camera of the whole frame, 1 / `down` as large."""
        side = self.size // down
        focal = self.tracks.focal / down
        K = np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]], np.float64)
        pose = self.tracks.head_to_camera[index].astype(np.float64)
        return Camera(K=K, world_to_camera=pose, width=side, height=side)

    def frame(self, index: int) -> Tensor:
        """The whole frame (size, size, 3), sRGB from 0 to 1."""
        return torch.from_numpy(self.clip.frame(index)).float() / 255

    def head(self, index: int) -> np.ndarray:
        """Where the head is, hair included and without the neck, bool (size, size)."""
        packed = np.frombuffer(zlib.decompress(self._heads[index]), np.uint8)
        return np.unpackbits(packed, count=self.size**2).reshape(self.size, self.size).astype(bool)

    def labels(self, index: int) -> np.ndarray:
        """What each pixel shows, uint8 (size, size), as `View.labels`."""
        labels = np.frombuffer(zlib.decompress(self._labels[index]), np.uint8)
        return labels.reshape(self.size, self.size).copy()

    def spread(self, count: int) -> list[int]:
        """`count` training frames, or all where there are fewer, spread evenly over their part of the clip."""
        chosen = self.split.training
        return [chosen[i] for i in np.unique(np.linspace(0, len(chosen) - 1, count).astype(int))]

    def background(self, index: int) -> Tensor:
        """The whole frame with its head filled in from `plate` (size, size, 3)."""
        head = torch.from_numpy(self.head(index))
        filled = torch.from_numpy(self.plate * self.gains[index]) / 255
        return torch.where(head[..., None], filled, self.frame(index))

    def box(self, index: int) -> Box:
        """Around the head, with a margin."""
        return self._boxes[index]

    def mouth_box(self, index: int) -> Box:
        """Around the lips, with a margin."""
        points = self.tracks.landmarks[index, MOUTH_LANDMARKS, :2]
        margin = MOUTH_MARGIN * self.size
        return _on_grid(points.min(axis=0) - margin, points.max(axis=0) + margin, self.size)

    def view(self, index: int, down: int = 1, *, neck: bool = False) -> View:
        """A frame around its head, 1 / `down` as large: 1, 2 or 4.

        With `neck` it is the whole frame, and the face model's neck belongs to the head: as far down as the model
        reaches, clothes included.
        """
        key = (index, down, neck)
        view = self._cache.pop(key, None)
        if view is None:
            view = self._prepared(index, down, neck=neck)
            self._bytes += _size(view)
            while self._bytes > _MOST_BYTES and self._cache:
                self._bytes -= _size(self._cache.popitem(last=False)[1])
        self._cache[key] = view
        return replace(view, picture=view.picture.float(), background=view.background.float(), head=view.head.float())

    def _prepared(self, index: int, down: int, *, neck: bool) -> View:
        cv2 = packages.load("cv2")
        x, y, width, height = (0, 0, self.size, self.size) if neck else self.box(index)
        rows, columns = slice(y, y + height), slice(x, x + width)
        head, labels = self.head(index), self.labels(index)
        if neck:
            head = head | (labels == Region.NECK)
        head = head[rows, columns]
        picture = self.clip.frame(index)[rows, columns] / self.gains[index]
        behind = np.where(head[..., None], self.plate[rows, columns], picture)
        band = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(_BAND * self.size) + 1,) * 2)
        edge = cv2.morphologyEx(head.astype(np.uint8), cv2.MORPH_GRADIENT, band)
        mouth = self.mouth_box(index)
        top, left = max(0, mouth[1] - y), max(0, mouth[0] - x)
        bottom, right = max(0, mouth[1] + mouth[3] - y), max(0, mouth[0] + mouth[2] - x)
        return View(
            picture=_pooled(picture / np.float32(255), down),
            background=_pooled(behind / np.float32(255), down),
            head=_pooled(head.astype(np.float32), down),
            certain=torch.from_numpy((edge[::down, ::down] == 0).astype(np.float32)),
            labels=torch.from_numpy(np.ascontiguousarray(labels[rows, columns][::down, ::down])),
            camera=self.camera(index, down),
            region=(x // down, y // down, width // down, height // down),
            mouth=(slice(top // down, bottom // down), slice(left // down, right // down)),
        )

    def _posed(self, index: int) -> Tensor:
        expression, pose = self.expression(index), self.joint_pose(index)
        with torch.no_grad():
            return self.face_model.vertices(expression[:0], expression, pose)

    def _label(self, index: int) -> None:
        """Masks, labels and the box of a frame."""
        found = frame_regions(self.face_model, self.vertices(index).numpy(), self.camera(index), self.clip.mask(index))
        if not found.head.any():
            raise DGTalkerError(
                f"No head is found in frame {self.clip.info.kept[index]} of the clip.", "Capture the video again."
            )
        self._heads.append(zlib.compress(np.packbits(found.head).tobytes(), 1))
        labels = found.labels.copy()
        labels[~found.head & (labels != Region.NECK)] = NOTHING
        self._labels.append(zlib.compress(labels.tobytes(), 1))
        ys, xs = np.nonzero(found.head)
        margin = _MARGIN * self.size
        low, high = np.array([xs.min(), ys.min()]) - margin, np.array([xs.max(), ys.max()]) + margin
        self._boxes.append(_on_grid(low, high, self.size))


def personal(face_model: FaceModel, identity: np.ndarray) -> FaceModel:
    """The face model of one person: its identity is in `neutral`, and no identity components are left."""
    weights = torch.from_numpy(np.asarray(identity, np.float32))
    offsets = torch.tensordot(weights, face_model.identity[: len(weights)], 1)
    return replace(face_model, neutral=face_model.neutral + offsets, identity=face_model.identity[:0])


def _pooled(picture: np.ndarray, down: int) -> Tensor:
    """Means of `down` × `down` pixels, float16."""
    height, width = (side // down for side in picture.shape[:2])
    blocks = picture.reshape(height, down, width, down, -1).mean(axis=(1, 3))
    return torch.from_numpy(blocks.reshape(height, width, *picture.shape[2:]).astype(np.float16))


def _on_grid(low: np.ndarray, high: np.ndarray, size: int) -> Box:
    x0, y0 = (int(max(0, value) // _GRID * _GRID) for value in low)
    x1, y1 = (int(min(size, -(-value // _GRID) * _GRID)) for value in high)
    return x0, y0, max(_GRID, x1 - x0), max(_GRID, y1 - y0)


def _size(view: View) -> int:
    tensors: Sequence[Tensor] = (view.picture, view.background, view.head, view.certain, view.labels)
    return sum(tensor.nbytes for tensor in tensors)
