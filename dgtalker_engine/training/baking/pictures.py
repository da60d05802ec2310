"""Pictures of a model and of what was baked of it, from where it was seen and from beside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ...gaussians import Camera, Gaussians, render
from .source import BakeSource

MOST = 24
"""Expressions that are looked at, evenly over the clip."""
TURNS = ((0.0, 0.0), (30.0, 0.0), (-30.0, 0.0), (0.0, 15.0), (60.0, 0.0), (-60.0, 0.0), (0.0, -15.0))
"""Yaw and pitch of the head, degrees, added to that of a frame."""


@dataclass(frozen=True)
class View:
    """An expression, and a camera that looks at it."""

    weights: np.ndarray
    camera: Camera


def seen(source: BakeSource, most: int = MOST) -> list[View]:
    """Examples as their cameras saw them."""
    chosen = np.unique(np.linspace(0, len(source.examples) - 1, most).round().astype(int))
    return [View(source.examples[i], source.cameras[i]) for i in chosen]


def around(source: BakeSource) -> Iterator[View]:
    """The same examples, also with the head turned, and every control at its most."""
    views = seen(source)
    for i, view in enumerate(views):
        for turn in {TURNS[0], TURNS[i % len(TURNS)]}:
            yield replace(view, camera=turned(view.camera, *turn))
    for i, control in enumerate(source.rig.controls):
        weights = source.weights(**{control.name: control.maximum})
        yield View(weights, turned(views[i % len(views)].camera, *TURNS[i % 3]))


def halved(view: View) -> View:
    """The view in a picture of half the size."""
    camera = view.camera
    width, height = camera.width // 2, camera.height // 2
    scale = np.diag([width / camera.width, height / camera.height, 1.0])
    return replace(view, camera=replace(camera, K=scale @ camera.K, width=width, height=height))


def whole(view: View, cloud: Gaussians) -> View:
    """The view in a picture that reaches as far as a cloud (N) does, by up to its own size more on each side."""
    camera = view.camera
    pose = torch.as_tensor(camera.world_to_camera, dtype=torch.float32)
    places = (cloud.means @ pose[:3, :3].T + pose[:3, 3]).numpy()
    pixels = (places[:, :2] / np.maximum(places[:, 2:], 1e-3)) @ camera.K[:2, :2].T + camera.K[:2, 2]
    size = np.array([camera.width, camera.height])
    before, after = (np.clip(np.ceil(reach), 0, size).astype(int) for reach in (-pixels.min(0), pixels.max(0) - size))
    K = camera.K.copy()
    K[:2, 2] += before
    width, height = (size + before + after).tolist()
    return replace(view, camera=replace(camera, K=K, width=width, height=height))


def turned(camera: Camera, yaw: float, pitch: float) -> Camera:
    """The camera that sees the head turned about its pivot, by degrees as `rig.HEAD_NAMES` has them."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xz", [pitch, yaw], degrees=True).as_matrix()
    return replace(camera, world_to_camera=camera.world_to_camera @ matrix)


def drawn(cloud: Gaussians, camera: Camera) -> tuple[torch.Tensor, torch.Tensor]:
    """Premultiplied colours (H, W, 3) and alpha (H, W)."""
    image = render(cloud, camera, backend="cpu")
    return torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)


def wanted(source: BakeSource, view: View) -> tuple[torch.Tensor, torch.Tensor]:
    """The same of the model."""
    return drawn(source.cloud(view.weights), view.camera)
