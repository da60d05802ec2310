"""A dub: new words in the mouth of the person of a clip, in the clip's own pictures (section 3.3.3).

The head of a .dgt file is rendered in the tracked pose of each frame with a mouth that speaks the new sound, and the
inpainting generator puts its face back into the frame. All else of the footage stays as it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ... import speech
from ...avatar import Avatar
from ...capture.clip import Clip
from ...capture.face_model import FaceModel, Region
from ...capture.regions import frame_regions
from ...errors import DGTalkerError
from ...gaussians import render
from ...performance import Performance, perform
from ...rig import ARKIT_NAMES
from ...speech.progress import ProgressCall, Stage
from ...training import Run
from ...training.clip_frames import personal
from ...training.face_rig import face_rig
from .inpainting import Footage, InpaintingConfig, InpaintingGenerator, face_mask, gather, inpaint, softened, train
from .motion.manner import Manner
from .motion.model import MOTION_NAMES

_MOUTH = (*MOTION_NAMES, "tongueOut", "cheekPuff")
_GROW = 0.006
"""Of the picture's side: how far M reaches beyond the faces."""

_STILL, _MOVED = 0.001, 0.004
"""Metres that the mouth moves a part of the face at most: M has none of what moves less, and all of what moves more."""

_MARGIN = 24
"""Pixels around M that F is shown."""


def frames_for(count: int, frames: int) -> np.ndarray:
    """Which of a clip's `count` frames stands at each of `frames`: forwards, then backwards, and so on, int64."""
    round_trip = np.concatenate([np.arange(count), np.arange(count - 2, 0, -1)])
    return np.resize(round_trip, frames)


@dataclass(frozen=True)
class Dubber:
    """A clip and the head that was trained from it.

    Attributes:
        clip: captured and fitted with `face`.
        face: the face model, of this person.
        avatar: of the clip's person.
        shares: how far each triangle of the face goes with the mouth, 0 to 1 (F,).
        weights: of the avatar's sliders, in each frame of the clip, float32 (T, 52): what is tracked is the face
            model's, whose blinks may go beyond what shuts this person's eyes.
    """

    clip: Clip
    face: FaceModel
    avatar: Avatar
    shares: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, clip: Clip, face: FaceModel, avatar: Avatar) -> Dubber:
        """Checks that they go together.

        Raises:
            DGTalkerError: the head lacks a mouth, or the clip is not fitted with this face model.
        """
        clip.check_face_model(face)
        if "jawOpen" not in avatar.rig.names:
            raise DGTalkerError("The head has no jawOpen: it cannot speak.", "Train it again.")
        weights = face_rig(face, clip.tracks.identity).weights(clip.tracks.expression)
        return cls(clip, personal(face, clip.tracks.identity), avatar, _shares(face), weights)

    def expression(self, index: int) -> dict[str, float]:
        """What the face does in a frame of the clip, by ARKit's names."""
        values = self.clip.tracks.expression[index].astype(float).tolist()
        return dict(zip(ARKIT_NAMES, values, strict=True))

    def footage(self, index: int, expression: dict[str, float] | None = None) -> Footage:
        """A frame and the head rendered in its pose: with the frame's own expression, or with another.

        `Footage.face` holds the faces of both.
        """
        own = self.expression(index)
        shown = own if expression is None else own | expression
        sliders = dict(zip(ARKIT_NAMES, self.weights[index].tolist(), strict=True)) | (expression or {})
        weights = np.array([sliders.get(name, 0.0) for name in self.avatar.rig.names], np.float32)
        controls = self.avatar.rig.controls
        weights = weights.clip([c.minimum for c in controls], [c.maximum for c in controls]).astype(np.float32)
        with torch.no_grad():
            image = render(self.avatar.pose(weights), self.clip.camera(index))
        matte = self.clip.mask(index)
        face = self._face(index, own, matte)
        if expression is not None:
            face = np.maximum(face, self._face(index, shown, matte))
        return Footage(self.clip.frame(index), _bytes(image.rgb), _bytes(image.alpha), face)

    def _face(self, index: int, expression: dict[str, float], matte: np.ndarray) -> np.ndarray:
        values = torch.tensor([expression[name] for name in ARKIT_NAMES], dtype=torch.float32)
        with torch.no_grad():
            vertices = self.face.vertices(values[:0], values, torch.from_numpy(self.clip.tracks.pose[index]))
        found = frame_regions(self.face, vertices.numpy(), self.clip.camera(index), matte)
        return face_mask(found.labels, self.shares[found.raster.triangles])

    def generator(self, config: InpaintingConfig, run: Run) -> InpaintingGenerator:
        """F for this clip and head, trained, or gone on with from `run.folder`.

        Raises:
            DGTalkerError, Cancelled, Interrupted: as `inpainting.train`.
        """
        return train(gather(len(self.clip), self.footage, config, run), config, run)

    def frame(
        self, index: int, expression: dict[str, float], generator: InpaintingGenerator | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The clip's frame with another expression, uint8 (S, S, 3), and M (S, S)."""
        footage = self.footage(index, expression)
        mask = softened(footage.face, _GROW)
        result = footage.original.copy()
        rows, columns = _around(mask)
        pictures = (footage.original, footage.rendered, footage.alpha[..., None])
        parts = [x[rows, columns].astype(np.float32) / 255 for x in pictures] + [mask[rows, columns, None]]
        tensors = [torch.from_numpy(x).permute(2, 0, 1)[None] for x in parts]
        with torch.inference_mode():
            inside = inpaint(generator, *tensors)[0].permute(1, 2, 0).numpy()
        result[rows, columns] = _bytes(inside)
        return result, mask

    def dub(
        self, performance: Performance, generator: InpaintingGenerator | None, progress: ProgressCall | None = None
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """For each frame of a performance the clip's frame it stands in, the picture, and M."""
        stage = Stage(progress, "Dubbing")
        mouth = {name: performance.curve(name) for name in _MOUTH if name in performance.names}
        for i, index in enumerate(frames_for(len(self.clip), performance.frames)):
            stage.report(i / max(performance.frames, 1))
            picture, mask = self.frame(int(index), {name: float(c[i]) for name, c in mouth.items()}, generator)
            yield int(index), picture, mask


def _shares(face: FaceModel) -> np.ndarray:
    columns = [ARKIT_NAMES.index(name) for name in _MOUTH]
    moved = face.displacements()[columns].norm(dim=2).amax(dim=0)[face.faces].mean(dim=1)
    shares = ((moved - _STILL) / (_MOVED - _STILL)).clamp(0, 1)
    # The upper teeth stay, and yet another mouth shows others of them.
    shares[torch.isin(face.regions, torch.tensor([Region.LIPS, Region.MOUTH_INSIDE, Region.TEETH]))] = 1.0
    return shares.numpy()


def spoken(
    samples: np.ndarray, rate: float, fps: float, manner: Manner | None, transcript: str, progress: ProgressCall | None
) -> Performance:
    """What a face does that speaks a sound, in a person's manner where it is known."""
    passages = [speech.Passage(0.0, len(samples) / rate, transcript)] if transcript else []
    answer = speech.animate(samples, rate, fps=fps, passages=passages, manner=manner, progress=progress)
    return perform(answer.take)


def generator_folder(clip: Clip, head: bytes, config: InpaintingConfig) -> Path:
    """Where a clip's F for a head is kept: another head or configuration has another one."""
    about = hashlib.sha256(head + json.dumps(config.to_json(), sort_keys=True).encode()).hexdigest()
    return clip.folder / "inpainting" / about[:16]


def into_video(
    dubbed: Iterator[tuple[int, np.ndarray, np.ndarray]], clip: Clip, picture: Callable[[int], np.ndarray]
) -> Iterator[np.ndarray]:
    """The dub in the pictures that the clip was cut from.

    Args:
        dubbed: `Dubber.dub`.
        clip: that of it.
        picture: the upright picture of the video (H, W, 3) uint8, by the index of the clip's frame.
    """
    from ...capture.pictures import resize

    crop = clip.info.crop
    for index, face, mask in dubbed:
        result = picture(index).copy()
        place = (slice(max(crop.y, 0), crop.y + crop.side), slice(max(crop.x, 0), crop.x + crop.side))
        part = result[place].astype(np.float32)
        seen = np.clip(resize(mask, crop.side), 0, 1)[: part.shape[0], : part.shape[1], None]
        new = resize(face, crop.side)[: part.shape[0], : part.shape[1]]
        result[place] = _bytes((part + seen * (new - part)) / 255)
        yield result


def _around(mask: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns around a mask with a margin, as many as F takes: multiples of 8."""
    slices = []
    for axis in (1, 0):
        inside = np.flatnonzero(mask.any(axis=axis))
        size = mask.shape[1 - axis]
        if len(inside) == 0:
            inside = np.array([0, size - 1])
        first = max(int(inside[0]) - _MARGIN, 0) // 8 * 8
        last = min(-(-(int(inside[-1]) + 1 + _MARGIN) // 8) * 8, size // 8 * 8)
        slices.append(slice(first, last))
    return slices[0], slices[1]


def _bytes(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
