"""How a trained head is driven on a clip's test frames, and what of the clip may be known for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.capture.fit import fit_landmarks
from dgtalker_engine.capture.photometric import refine
from dgtalker_engine.capture.tracks import Tracks
from dgtalker_engine.gaussians import Gaussians
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.export import TrainedHead
from dgtalker_engine.training.refinement import SliderWeights, as_seen

Pose = Callable[[int], Gaussians]
"""A frame's number → the head in head space."""


def tracked(head: TrainedHead, frames: ClipFrames, *, whole: bool = False) -> Pose:
    """By each frame's own expression and joints; `whole` with the neck, which a frame has already, and in the mean
    light, as the file has it."""
    return lambda index: _at(head, frames, index, frames.expression(index), whole=whole)


def refined(head: TrainedHead, frames: ClipFrames) -> Pose:
    """`tracked`, refined as final pictures are where the head has a refiner."""
    if head.refiner is None:
        return tracked(head, frames)
    refiner, sliders, rows = head.refiner, SliderWeights(frames), torch.from_numpy(np.flatnonzero(~head.neck))

    def pose(index: int) -> Gaussians:
        with torch.no_grad():
            whole = head.pose(frames.expression(index), frames.joint_pose(index), frames.turn(index))
        fine = as_seen(refiner, whole, frames.camera(index), sliders.at(index))
        return fine.map(lambda tensor: tensor[rows])

    return pose


def heard(head: TrainedHead, frames: ClipFrames, expressions: np.ndarray) -> Pose:
    """By expressions that are given for each frame (T, E)."""
    return lambda index: _at(head, frames, index, torch.from_numpy(expressions[index]), whole=False)


def _at(head: TrainedHead, frames: ClipFrames, index: int, expression: torch.Tensor, *, whole: bool) -> Gaussians:
    with torch.no_grad():
        cloud = head.pose(expression, frames.joint_pose(index), None if whole else frames.turn(index))
    rows = torch.from_numpy(np.flatnonzero(~head.neck))
    return cloud if whole else cloud.map(lambda tensor: tensor[rows])


def by_landmarks(clip: Clip, face_model: FaceModel, kept: Path) -> Clip:
    """The clip with the face parameters that landmarks tell, each frame for itself, before pictures refine them.

    Args:
        clip: captured.
        face_model: that it was captured with.
        kept: a file for the tracks, read where it is there.
    """
    return _with_tracks(clip, kept, lambda: _fitted(clip, face_model))


def strict(clip: Clip, face_model: FaceModel, share: float, kept: Path) -> Clip:
    """The clip with face parameters that no picture after its first `share` has told; other arguments as above."""

    def refined() -> Tracks:
        fitted = dataclasses.replace(clip, tracks=_fitted(clip, face_model))
        return refine(fitted, face_model, quiet, frames=range(round(len(clip) * share)))

    return _with_tracks(clip, kept, refined)


def _fitted(clip: Clip, face_model: FaceModel) -> Tracks:
    tracks = clip.tracks
    fit = fit_landmarks(
        face_model, tracks.landmarks, tracks.arkit, tracks.blink, tracks.times, clip.info.size, quiet
    )  # fmt: skip
    return dataclasses.replace(tracks, **fit.tracked())


def _with_tracks(clip: Clip, kept: Path, make: Callable[[], Tracks]) -> Clip:
    if not kept.is_file():
        make().save(kept)
    return dataclasses.replace(clip, tracks=Tracks.load(kept))


def quiet(fraction: float, text: str) -> None:
    """Progress that nobody looks at."""
