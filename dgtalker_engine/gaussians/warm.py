"""Compiling the kernels before anyone waits for a picture."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np
import torch

from ..errors import DGTalkerError
from . import backend
from .binding import bind
from .camera import Camera
from .carrying import carried, vertex_maps
from .cloud import Gaussians
from .colour import to_scene_linear
from .lighting import lit
from .placement import placement_of
from .rendering import render
from .transform import placed


def warm_up() -> None:
    """Compiles every kernel, or loads it where this version was compiled on this machine before; tries the GPU."""
    gaussians = Gaussians(
        means=torch.tensor([[0.0, 0.0, 1.0]]),
        quats=torch.tensor([[1.0, 0.0, 0.0, 0.0]]),
        scales=torch.full((1, 3), 0.1),
        opacities=torch.ones(1),
        sh=torch.zeros(1, 4, 3),
    )
    K = np.array([[8.0, 0, 4], [0, 8.0, 4], [0, 0, 1]])
    camera = Camera(K=K, world_to_camera=np.eye(4), width=8, height=8)
    image = render(placed(gaussians, np.diag([1.0, 2.0, 3.0, 1.0]), camera), camera, backend="cpu")
    to_scene_linear(image.rgb, image.alpha)
    corners = np.eye(3)
    binding = bind(gaussians.means.numpy(), corners, np.array([[0, 1, 2, -1]]))
    maps = vertex_maps(corners, corners, binding.triangles)
    lit(carried(gaussians, binding, maps, placement_of(np.eye(4), camera)), binding, np.ones((3, 3)))
    render(replace(gaussians, sh=gaussians.sh.requires_grad_()), camera, backend="cpu").rgb.sum().backward()
    with contextlib.suppress(DGTalkerError):  # a setting that cannot be followed: whoever asks for a picture is told
        backend.chosen()
