"""Compiling the kernels before anyone waits for a picture."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np
import torch

from ..errors import DGTalkerError
from . import backend
from .camera import Camera
from .cloud import Gaussians
from .colour import to_scene_linear
from .cpu.compilation import is_warm, mark_warm
from .cpu.joints import turn
from .cpu.posing import blendshapes, pose
from .rendering import render
from .transform import placed

__all__ = ["is_warm", "warm_up"]


def warm_up() -> None:
    """Compiles every kernel, or loads it where this version was compiled on this machine before; tries the GPU."""
    gaussians = Gaussians(
        means=torch.tensor([[0.0, 0.0, 1.0]]),
        quats=torch.tensor([[1.0, 0.0, 0.0, 0.0]]),
        scales=torch.full((1, 3), 0.1),
        opacities=torch.ones(1),
        sh=torch.zeros(1, 4, 3),
    )
    camera = Camera(np.array([[8.0, 0, 4], [0, 8.0, 4], [0, 0, 1]]), np.eye(4), 8, 8)
    image = render(placed(gaussians, np.diag([1.0, 2.0, 3.0, 1.0]), camera), camera, backend="cpu")
    to_scene_linear(image.rgb, image.alpha)
    render(replace(gaussians, sh=gaussians.sh.requires_grad_()), camera, backend="cpu").rgb.sum().backward()
    base = gaussians.means.numpy()
    pose([blendshapes(base, np.array([0, 1]), np.zeros(1, np.int64), np.ones((1, 3)))], np.ones(1))
    quats, shares = gaussians.quats.numpy(), np.ones((1, 1), np.uint8)
    turn(base, quats, np.zeros((1, 3), np.float32), shares, np.array([[0.0, 0.0, 1e-3]]))
    mark_warm()
    with contextlib.suppress(DGTalkerError):  # a setting that cannot be followed: whoever asks for a picture is told
        backend.chosen()
