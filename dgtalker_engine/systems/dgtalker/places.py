"""Where on a face Gaussians begin: evenly, and closer together where a face is looked at."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import KDTree

from ...capture.face_model import FaceModel
from .layout import plane_layout, triangle_density
from .template import Template

_CANDIDATES = 4
_SHARE = 0.1
"""How many of the candidates go in a round at most."""


def even_template(model: FaceModel, gaussians: int, seed: int = 0) -> Template:
    """The template of a face model: its places are chosen once, and kept with what is trained on them.

    Of four times as many places, drawn as the density says, those go that are nearest to others, after Yuksel, "Sample
    elimination for generating Poisson disk sample sets" (2015), many at a time.

    Args:
        model: any.
        gaussians: how many.
        seed: of the candidates.
    """
    random = np.random.default_rng(seed)
    triangles, density = model.faces.cpu().numpy(), triangle_density(model)
    corners = model.neutral.double().cpu().numpy()[triangles]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    amounts = areas * density
    drawn = random.choice(len(triangles), _CANDIDATES * gaussians, p=amounts / amounts.sum())
    barycentrics = random.dirichlet((1.0, 1.0, 1.0), len(drawn))
    points = (corners[drawn] * barycentrics[:, :, None]).sum(axis=1)
    kept = _spread_out(points, np.sqrt(density[drawn]), gaussians)
    layout = plane_layout(model).double().numpy()[triangles[drawn[kept]]]
    uv = 2 * (layout * barycentrics[kept, :, None]).sum(axis=1) - 1
    return Template(
        uv=torch.from_numpy(uv.astype(np.float32)),
        points=torch.from_numpy(points[kept].astype(np.float32)),
        triangles=torch.from_numpy(drawn[kept].astype(np.int64)),
        barycentrics=torch.from_numpy(barycentrics[kept].astype(np.float32)),
    )


def _spread_out(points: np.ndarray, closeness: np.ndarray, count: int) -> np.ndarray:
    """Indices of so many points, far from each other; those of more closeness may be nearer."""
    kept = np.arange(len(points))
    while len(kept) > count:
        distances, neighbours = KDTree(points[kept]).query(points[kept], k=2)
        scores = np.asarray(distances)[:, 1] * closeness[kept]
        # Of two that are each other's neighbours one stays.
        other = np.asarray(neighbours)[:, 1]
        spared = (other[other] == np.arange(len(kept))) & (np.arange(len(kept)) < other)
        order = np.argsort(np.where(spared, np.inf, scores), kind="stable")
        kept = np.delete(kept, order[: min(len(kept) - count, int(_SHARE * len(kept)) + 1)])
    return kept
