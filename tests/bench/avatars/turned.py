"""A clip whose speaker turns, cut anew: frames that show the head from where most do train, those from aside test."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np

from dgtalker_engine.capture import clip as clips
from dgtalker_engine.capture import tracks
from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.training.clip_frames import LEAST_FRAMES

FRONT, SIDE = 10.0, 20.0
"""Degrees of yaw from where most frames show the head: up to the one they train, beyond the other they test."""
LEAST_TEST = 10

_OVER_FRAMES = ("times", "landmarks", "arkit", "blink", "head_to_camera", "pose", "expression")


def yaws(clip: Clip) -> np.ndarray:
    """From where the camera sees the head in each frame: degrees around its vertical, 0 from its front (T,)."""
    pose = clip.tracks.head_to_camera.astype(np.float64)
    camera = -np.einsum("tji,tj->ti", pose[:, :3, :3], pose[:, :3, 3])
    return np.degrees(np.arctan2(camera[:, 0], -camera[:, 1]))


def of(clip: Clip, folder: Path) -> tuple[Clip, float] | None:
    """A mute clip of the frames that train and then those that test, and the share of the former; None where there
    are too few of either.

    Args:
        clip: of somebody who turns.
        folder: where it is written.
    """
    off = np.abs(yaws(clip) - np.median(yaws(clip)))
    front, side = np.flatnonzero(off <= FRONT), np.flatnonzero(off > SIDE)
    if len(front) < LEAST_FRAMES or len(side) < LEAST_TEST:
        return None
    order = np.concatenate([front, side])
    for name in ("frames", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, index in enumerate(order.tolist()):
        shutil.copyfile(clip.frame_path(index), clips.frame_path(folder, number))
        shutil.copyfile(clip.mask_path(index), clips.mask_path(folder, number))
    cut = {name: np.asarray(getattr(clip.tracks, name))[order] for name in _OVER_FRAMES}
    cut["times"] = np.arange(len(order)) / clip.info.fps
    dataclasses.replace(clip.tracks, **cut).save(folder / tracks.FILE)
    clips.write_info(folder, dataclasses.replace(clip.info, kept=tuple(range(len(order))), rejected=()))
    return Clip.load(folder), len(front) / len(order)
