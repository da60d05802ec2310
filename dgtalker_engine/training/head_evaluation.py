"""How near a head's pictures are to a clip's test frames, and how it looks from other sides: for all systems alike.

The words of tables: in the **published** protocol poses and expressions of the test frames are tracked in their
pictures, as in the papers, and the head is drawn over the frame's own background and shoulders; in the **strict** one
nothing of a test frame but MediaPipe's landmarks drives it. Both are the caller's, who gives each frame's Gaussians.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from ..capture.faces import FaceLandmarker
from ..capture.fit.weights import LIPS
from ..gaussians import Camera, Gaussians, render
from . import metrics
from .clip_frames import ClipFrames

Pose = Callable[[int], Gaussians]
"""A frame's number → the head in head space, as what drives the evaluation says."""

_INNER_LIPS = (13, 14)
TURNS = ((-30, 0), (-15, 0), (0, 0), (15, 0), (30, 0), (0, 15), (0, -15))
"""Degrees of yaw and pitch of `sheet`."""


@dataclass(frozen=True, kw_only=True)
class HeadFigures:
    """Means over the test frames.

    Attributes:
        psnr, ssim: of the whole frame, dB and 0–1.
        psnr_head, ssim_head: inside the head's mask.
        psnr_mouth: of the box around the mouth.
        lmd: of the lips' landmarks, both sets about their own middle, pixels of a frame of 512; NaN where none of the
            pictures shows a face, and so `r_open`.
        r_open: correlation of the lips' opening in pictures and frames.
        auc: the chance that a frame with closed lips is less open in its picture than one with open lips.
        flicker: how much more pictures change from frame to frame, inside the head, than the video does: 1 is alike.
    """

    psnr: float
    ssim: float
    psnr_head: float
    ssim_head: float
    psnr_mouth: float
    lmd: float
    r_open: float
    auc: float
    flicker: float

    def to_json(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


def over_background(frames: ClipFrames, index: int, cloud: Gaussians) -> Tensor:
    """The head in its frame and in its light (size, size, 3), rounded to 8 bits as a file would be."""
    image = render(cloud, frames.camera(index))
    rgb, alpha = torch.as_tensor(image.rgb) * torch.from_numpy(frames.gains[index]), torch.as_tensor(image.alpha)
    picture = rgb + (1 - alpha)[..., None] * frames.background(index)
    return (picture.clamp(0, 1) * 255).round() / 255


@torch.no_grad()
def evaluate(
    frames: ClipFrames, pose: Pose, indices: Sequence[int], *, progress: Callable[[float], None] = lambda _: None
) -> HeadFigures:
    """Compares pictures with the frames `indices`, which follow each other.

    Args:
        frames: of the clip.
        pose: gives the head of each frame.
        indices: of the frames, usually `frames.split.test`.
        progress: is told the fraction done.

    Raises:
        DGTalkerError: MediaPipe is not installed.
    """
    rows: list[list[float]] = []
    lips: list[tuple[np.ndarray, np.ndarray]] = []
    changes: list[tuple[float, float]] = []
    before: tuple[Tensor, Tensor] | None = None
    with FaceLandmarker(most=1, video=False) as landmarker:
        for done, index in enumerate(indices):
            picture, frame = over_background(frames, index, pose(index)), frames.frame(index)
            head = torch.from_numpy(frames.head(index))
            x, y, width, height = frames.mouth_box(index)
            mouth = (slice(y, y + height), slice(x, x + width))
            rows.append([
                metrics.psnr(picture, frame),
                metrics.ssim(picture, frame),
                metrics.psnr(picture, frame, head),
                metrics.ssim(picture, frame, head),
                metrics.psnr(picture[mouth], frame[mouth]),
            ])  # fmt: skip
            found = [_landmarks(landmarker, image) for image in (picture, frame)]
            if found[0] is not None and found[1] is not None:
                lips.append((found[0], found[1]))
            if before is not None:
                ours, theirs = (picture - before[0])[head], (frame - before[1])[head]
                changes.append((float(ours.abs().mean()), float(theirs.abs().mean())))
            before = picture, frame
            progress((done + 1) / len(indices))
    means = np.mean(rows, axis=0)
    empty = np.zeros((0, 478, 2), np.float32)
    found_lips, true_lips = (torch.from_numpy(np.array([pair[k] for pair in lips] or empty)) for k in (0, 1))
    openings = _opening(found_lips), _opening(true_lips)
    by_picture, by_video = np.mean(changes, axis=0)
    return HeadFigures(
        psnr=float(means[0]),
        ssim=float(means[1]),
        psnr_head=float(means[2]),
        ssim_head=float(means[3]),
        psnr_mouth=float(means[4]),
        lmd=lip_distance(found_lips, true_lips) * 512 / frames.size,
        r_open=float(np.corrcoef(*openings)[0, 1]) if len(lips) > 1 else np.nan,
        auc=metrics.closed_auc(openings[1], openings[0]),
        flicker=float(by_picture / by_video),
    )


def lip_distance(landmarks: Tensor, wanted: Tensor) -> float:
    """LMD of the lips of face landmarks (T, 478, 2), each frame's about their own middle; NaN without frames."""
    ours, theirs = landmarks[:, list(LIPS)], wanted[:, list(LIPS)]
    return metrics.lmd(ours - ours.mean(dim=1, keepdim=True), theirs - theirs.mean(dim=1, keepdim=True))


def turned(camera: Camera, yaw: float, pitch: float) -> Camera:
    """The camera as it sees the head after a turn about its own up axis, then towards its chest; degrees."""
    a, b = np.radians([yaw, pitch])
    about_up, nod = np.eye(4), np.eye(4)
    about_up[:2, :2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    nod[1:3, 1:3] = [[np.cos(b), -np.sin(b)], [np.sin(b), np.cos(b)]]
    return Camera(
        K=camera.K, world_to_camera=camera.world_to_camera @ about_up @ nod, width=camera.width, height=camera.height
    )


@torch.no_grad()
def sheet(frames: ClipFrames, pose: Pose, indices: Sequence[int], grey: float = 0.5) -> np.ndarray:
    """The head of some frames, a row each, from the sides of `TURNS`: (rows, columns, 3), sRGB from 0 to 1."""
    rows = []
    for index in indices:
        cloud, row = pose(index), []
        for yaw, pitch in TURNS:
            image = render(cloud, turned(frames.camera(index), yaw, pitch))
            row.append(np.asarray(image.rgb) + grey * (1 - np.asarray(image.alpha))[..., None])
        rows.append(np.concatenate(row, axis=1))
    return np.concatenate(rows).clip(0, 1)


def _landmarks(landmarker: FaceLandmarker, picture: Tensor) -> np.ndarray | None:
    faces = landmarker.find((picture * 255).round().byte().numpy())
    return faces[0].landmarks[:, :2] if faces else None


def _opening(landmarks: Tensor) -> np.ndarray:
    upper, lower = (landmarks[:, point] for point in _INNER_LIPS)
    return (upper - lower).norm(dim=1).numpy()
