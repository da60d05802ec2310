"""Heads that the face model makes up, in painted skin: their pictures show what their landmarks' truth is known of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ...capture.face_model import FaceModel, Region
from ...gaussians import Gaussians
from ...gaussians.constants import SH_C0

_GAUSSIANS = 60_000
_LIGHT = np.array([-0.35, -0.8, 0.5]) / np.linalg.norm([-0.35, -0.8, 0.5])
_BROWS = ((70, 63, 105, 66, 107), (300, 293, 334, 296, 336))
_BROW_WIDTH, _LASH_WIDTH = 0.0035, 0.0012
_LIDS = (33, 161, 159, 157, 133, 263, 388, 386, 384, 362)
_THIN = 0.15


class PaintedHead:
    """Somebody whom the face model makes up: flat Gaussians on its triangles, painted and lit.

    Args:
        model: with ARKit's expressions.
        seed: who it is, and in which colours.

    Attributes:
        model: the face model.
        identity: of it, in standard deviations (I,).
    """

    def __init__(self, model: FaceModel, seed: int) -> None:
        self.model = model
        random = np.random.default_rng(seed)
        self.identity = torch.from_numpy(random.normal(0, 0.8, len(model.identity)).astype("f4"))
        rest = model.vertices(self.identity, torch.zeros(0))
        corners = rest[self.model.faces].numpy().astype(np.float64)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area = np.linalg.norm(normals, axis=1) / 2
        regions = self.model.regions.numpy()
        density = np.select([np.isin(regions, (Region.LIPS, Region.TEETH, Region.EYES)), regions == 1], [4.0, 2.0], 1.0)
        share = area * density / (area * density).sum()
        # evenly, not by chance: chance leaves holes
        self._triangles = np.searchsorted(np.cumsum(share), (np.arange(_GAUSSIANS) + 0.5) / _GAUSSIANS)
        self._triangles = np.minimum(self._triangles, len(area) - 1)
        self._barycentrics = random.dirichlet((1, 1, 1), _GAUSSIANS).astype("f4")
        self._radius = np.sqrt(area / np.maximum(_GAUSSIANS * share, 1e-12))[self._triangles]
        places = np.einsum("nci,nc->ni", corners[self._triangles], self._barycentrics)
        colours = self._paint(random, places, regions[self._triangles], rest)
        unit = normals / np.maximum(2 * area[:, None], 1e-12)
        shade = 0.62 + 0.38 * np.clip(unit[self._triangles] @ _LIGHT, -0.3, 1)
        self._sh = torch.from_numpy(((colours * shade[:, None] - 0.5) / SH_C0).astype("f4"))[:, None]

    def _paint(
        self, random: np.random.Generator, places: np.ndarray, regions: np.ndarray, rest: torch.Tensor
    ) -> np.ndarray:
        """sRGB of each Gaussian (n, 3)."""
        landmarks = self.model.landmarks(rest).numpy()
        skin = np.array([0.86, 0.66, 0.55]) * random.uniform(0.6, 1.05)
        hair = np.array([0.25, 0.17, 0.12]) * random.uniform(0.4, 1.6)
        palette = np.tile(skin, (len(Region), 1))
        palette[Region.LIPS] = skin * [0.9, 0.6, 0.62]
        palette[Region.MOUTH_INSIDE] = [0.42, 0.16, 0.16]
        palette[Region.TEETH] = [0.92, 0.9, 0.84]
        palette[Region.EYES] = [0.9, 0.88, 0.86]
        palette[Region.SCALP] = hair
        colours = palette[regions]
        speckle = np.sin(places @ random.normal(0, 900, (3, 6)) + random.uniform(0, 6, 6)).mean(axis=1)
        amount = np.where(regions == Region.SCALP, 0.35, np.where(regions <= Region.UPPER_FACE, 0.07, 0.02))
        colours = colours * (1 + (amount * speckle)[:, None])
        face = regions <= Region.UPPER_FACE
        brows = np.concatenate([_along(landmarks[list(brow)]) for brow in _BROWS])
        for line, width in ((brows, _BROW_WIDTH), (landmarks[list(_LIDS)], _LASH_WIDTH)):
            near = np.linalg.norm(places[:, None] - line, axis=2).min(axis=1) < width
            colours[near & face] = 0.9 * hair
        for middle, ring in ((468, 469), (473, 474)):
            iris = np.linalg.norm(landmarks[ring] - landmarks[middle])
            distance = np.linalg.norm(places - landmarks[middle], axis=1)
            colours[(distance < iris) & (regions == Region.EYES)] = [0.25, 0.35, 0.42]
            colours[(distance < 0.4 * iris) & (regions == Region.EYES)] = [0.03, 0.03, 0.03]
        return colours

    @property
    def eyes(self) -> np.ndarray:
        """Centres of the left and the right eyeball in head space, metres (2, 3)."""
        joints = self.model.joint_regressor @ self.vertices({})
        return joints[[self.model.joint_names.index(name) for name in ("leftEye", "rightEye")]].double().numpy()

    def vertices(self, weights: Mapping[str, float]) -> torch.Tensor:
        """The mesh in head space with ARKit's weights (V, 3)."""
        expression = torch.tensor([float(weights.get(name, 0.0)) for name in self.model.expression_names])
        return self.model.vertices(self.identity, expression)

    @torch.no_grad()
    def pose(self, weights: Mapping[str, float]) -> Gaussians:
        """The head in head space with ARKit's weights."""
        corners = self.vertices(weights)[self.model.faces[self._triangles]]
        first = torch.nn.functional.normalize(corners[:, 1] - corners[:, 0], dim=1)
        normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normal = torch.nn.functional.normalize(normal, dim=1, eps=1e-12)
        axes = torch.stack([first, torch.linalg.cross(normal, first), normal], 2)
        radius = torch.from_numpy(self._radius.astype("f4"))
        return Gaussians(
            means=(corners * torch.from_numpy(self._barycentrics)[..., None]).sum(1),
            quats=_quaternions(axes),
            scales=torch.stack([radius, radius, _THIN * radius], 1),
            opacities=torch.full((len(radius),), 0.97),
            sh=self._sh,
        )


def _along(points: np.ndarray) -> np.ndarray:
    """Many places of a line through some (n, 3)."""
    steps = np.linspace(0, len(points) - 1, 12 * len(points))
    return np.stack([np.interp(steps, np.arange(len(points)), points[:, k]) for k in range(3)], axis=1)


def _quaternions(matrices: torch.Tensor) -> torch.Tensor:
    turned = Rotation.from_matrix(matrices.numpy().astype(np.float64)).as_quat()
    return torch.from_numpy(turned[:, [3, 0, 1, 2]].astype("f4"))
