"""Whether gsplat, as it is installed here, draws the reference's picture on this GPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ...errors import DGTalkerError
from .. import reference
from ..camera import Camera
from ..cloud import Gaussians

SIDE = 32

# What a GPU, its driver and gsplat's functions may answer with.
_FAILURES = (DGTalkerError, ImportError, RuntimeError, AssertionError, AttributeError, TypeError, ValueError)

_MOST_ERROR = 1e-3  # root mean square of colours, alpha and metres: 60 dB

Render = Callable[[list[Gaussians], list[Camera]], list[tuple[np.ndarray, ...]]]


def problem(render: Render | None = None) -> str:
    """Renders two frames at once and compares them: what is wrong, a sentence; empty where nothing is.

    Args:
        render: draws frames as (rgb, alpha, depth); gsplat for None.
    """
    clouds, camera = [_cloud(seed) for seed in (0, 1)], _camera()
    try:
        pictures = (render or _gsplat)(clouds, [camera, camera])
    except _FAILURES as error:
        return f"gsplat's self-test failed: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    errors: list[float] = []
    for cloud, (rgb, alpha, depth) in zip(clouds, pictures, strict=True):
        expected = reference.render(cloud, camera)
        pairs = (rgb, expected.rgb), (alpha, expected.alpha), (depth * alpha, expected.depth * expected.alpha)
        errors += [float(np.sqrt(np.mean((drawn - wanted) ** 2))) for drawn, wanted in pairs]
    if not all(error <= _MOST_ERROR for error in errors):  # also where one of them is NaN
        return f"gsplat's self-test failed: its picture differs from the reference by {float(np.max(errors)):.2g}."
    return ""


def _gsplat(clouds: list[Gaussians], cameras: list[Camera]) -> list[tuple[np.ndarray, ...]]:
    from . import raster

    options = raster.Options(background=(0.0, 0.0, 0.0), scene_linear=False, as_tensors=False)
    return raster.render(clouds, cameras, None, options)


def _cloud(seed: int) -> Gaussians:
    random = np.random.default_rng(seed)
    count = 200
    arrays = {
        "means": random.uniform((-0.2, -0.2, 0.8), (0.2, 0.2, 1.2), (count, 3)),
        "quats": random.normal(size=(count, 4)),
        "scales": random.uniform(0.005, 0.05, (count, 3)),
        "opacities": random.uniform(0.1, 0.9, count),
        "sh": random.normal(0, 0.5, (count, 4, 3)),
    }
    return Gaussians(**{name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()})


def _camera() -> Camera:
    K = np.array([[2.0 * SIDE, 0, SIDE / 2], [0, 2.0 * SIDE, SIDE / 2], [0, 0, 1]])
    return Camera(K=K, world_to_camera=np.eye(4), width=SIDE, height=SIDE)
