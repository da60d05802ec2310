"""Training of the appearance: seconds, at a small size, on frames whose poses are held still."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ...gaussians import Gaussians, render
from .appearance import Appearance
from .scene import Scene, View

_RATES = {"offsets": 2e-4, "scales": 0.02, "quats": 0.01, "opacities": 0.05, "colours": 0.05}
_DECAY = 0.3  # of the rates, to the end


def composed(cloud: Gaussians, scene: Scene, frame: int, view: View, pose: np.ndarray | None = None) -> torch.Tensor:
    """The head over what is behind it, as the view's region shows it: (height, width, 3)."""
    image = render(cloud, scene.camera(frame, pose), region=view.region, backend="cpu")
    rgb, alpha = torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)
    return rgb + (1 - alpha)[..., None] * torch.from_numpy(view.behind)


def train(
    appearance: Appearance,
    scene: Scene,
    frames: np.ndarray,
    poses: np.ndarray,
    steps: int,
    random: np.random.Generator,
    check: Callable[[float], None],
) -> None:
    """Trains the appearance on frames at given poses by the absolute differences.

    Args:
        frames: their numbers (n,).
        poses: head to camera of all frames of the clip (T, 4, 4).
        check: told how much is done, 0 to 1; raises to stop.
    """
    groups = [{"params": [tensor], "lr": _RATES[name]} for name, tensor in appearance.parameters.items()]
    optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99), eps=1e-15)
    rates = [group["lr"] for group in optimizer.param_groups]
    views: dict[int, View] = {}
    order = np.concatenate([random.permutation(len(frames)) for _ in range(-(-steps // len(frames)))])[:steps]
    for step, index in enumerate(order):
        check(step / steps)
        frame = int(frames[index])
        view = views.setdefault(frame, scene.view(frame))
        with torch.no_grad():
            vertices = scene.vertices(frame)
        picture = composed(appearance.pose(vertices), scene, frame, view, poses[frame])
        loss = (picture - torch.from_numpy(view.wanted)).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * _DECAY ** (step / steps)
        optimizer.step()
