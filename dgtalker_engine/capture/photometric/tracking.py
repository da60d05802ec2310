"""Poses from pictures: Gauss–Newton over all frames at once, each pulled by its own pixels and by its neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ...gaussians import render
from ..fit.smoothing import smoothness, solve_smooth
from .appearance import Appearance
from .equations import pose_equations
from .scene import Scene

_LEAST_NOISE = 0.01  # of a pixel's colour
_ALIKE = 60.0  # pixels whose errors are one
_TURN, _MOVE = 0.03, np.array([0.0025, 0.0025, 0.015])  # standard deviations of the landmarks' pose, radians and metres
_TURN_BEND, _MOVE_BEND = 0.0013, np.array([1.3e-4, 1.3e-4, 5e-4])  # of its second differences at 25 frames a second
_MOST = np.array([0.03, 0.03, 0.03, 0.004, 0.004, 0.02])  # of one step


def track(
    appearance: Appearance,
    scene: Scene,
    poses: np.ndarray,
    begun: np.ndarray,
    iterations: int,
    check: Callable[[float], None],
) -> np.ndarray:
    """Moves the poses of the scene's frames so that the appearance shows what the frames show.

    Args:
        poses: head to camera (T, 4, 4) of all frames of the clip.
        begun: what the landmarks say, the same shape.
        check: told how much is done, 0 to 1; raises to stop.

    Returns:
        The poses; those of frames whose pictures are not used are unchanged.
    """
    frames = scene.frames
    poses = poses.astype(np.float64)
    held = 1 / np.r_[np.full(3, _TURN), _MOVE] ** 2
    bend = _bends(scene.tracks.times[frames])
    free = np.zeros((len(frames), 6), bool)
    for iteration in range(iterations):
        errors = np.zeros(len(frames))
        hessians, gradients = np.zeros((len(frames), 6, 6)), np.zeros((len(frames), 6))
        for row, frame in enumerate(frames):
            check((iteration + row / len(frames)) / iterations)
            with torch.no_grad():
                cloud = appearance.pose(scene.vertices(int(frame)))
                view = scene.view(int(frame))
                camera = scene.camera(int(frame), poses[frame])
                image = render(cloud, camera, region=view.region, backend="cpu")
            x, y, *_ = view.region
            eye = np.array([camera.K[0, 0], camera.K[0, 2] - x, camera.K[1, 2] - y, *poses[frame][:3, 3]])
            hessians[row], gradients[row], errors[row] = pose_equations(
                image.rgb, image.alpha, image.depth, view.wanted, view.behind, view.weights, eye
            )
        noise = max(_LEAST_NOISE, 1.25 * float(np.median(errors)))
        hessians /= noise**2 * _ALIKE
        gradients /= noise**2 * _ALIKE
        away = steps_between(begun[frames], poses[frames])
        gradients += held * away
        np.einsum("tii->ti", hessians)[:] += held
        smooth = smoothness(steps_between(poses[frames][:1], poses[frames]), np.zeros((len(frames) - 1, 6)), bend, 0)
        step = solve_smooth(hessians, gradients, smooth, free, np.zeros(free.shape)).clip(-_MOST, _MOST)
        poses[frames] = moved(poses[frames], step)
    return poses


def moved(poses: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Poses (T, 4, 4) after turns in the camera's axes about the head's pivot and moves, (T, 6)."""
    result = poses.astype(np.float64)
    result[:, :3, :3] = Rotation.from_rotvec(steps[:, :3]).as_matrix() @ result[:, :3, :3]
    result[:, :3, 3] += steps[:, 3:]
    return result


def steps_between(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """What `moved` takes from poses to others (T, 6); the first may be one for all."""
    turns = Rotation.from_matrix(end[:, :3, :3] @ begin[:, :3, :3].transpose(0, 2, 1)).as_rotvec()
    return np.concatenate([turns, end[:, :3, 3] - begin[:, :3, 3]], axis=1)


def _bends(times: np.ndarray) -> np.ndarray:
    """Weights of the second differences of poses at these times (T − 2, 6)."""
    gaps = np.diff(times) / 0.04
    wide = np.maximum(gaps[1:], gaps[:-1])[:, None]
    return wide.clip(0.5) ** -4.0 / np.r_[np.full(3, _TURN_BEND), _MOVE_BEND] ** 2
