"""A head's look while its poses are found: Gaussians on the posed mesh, and free ones for hair and outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...gaussians import Gaussians
from ...gaussians.constants import SH_C0

_LOG_SCALES = (-9.0, -3.5)
_FLAT = 0.3  # a Gaussian's size across the surface against that along it


@dataclass(frozen=True)
class Seeds:
    """Where Gaussians begin, on triangles of the mesh or free in head space.

    Attributes:
        triangles: their corners, int64 (N, 3).
        barycentrics: where on them, float32 (N, 3).
        anchors: places of the free ones, metres, float32 (M, 3).
        colours: sRGB, 0 to 1, float32 (N + M, 3).
        sizes: metres, float32 (N + M,).
    """

    triangles: np.ndarray
    barycentrics: np.ndarray
    anchors: np.ndarray
    colours: np.ndarray
    sizes: np.ndarray


class Appearance:
    """Gaussians that follow the mesh's triangles as they move, and others that follow the head.

    Attributes:
        parameters: tensors to train, by name; the first N rows are those on the mesh.
    """

    def __init__(self, seeds: Seeds) -> None:
        self._triangles = torch.from_numpy(seeds.triangles)
        self._barycentrics = torch.from_numpy(seeds.barycentrics)
        self._anchors = torch.from_numpy(seeds.anchors)
        bound, total = len(seeds.triangles), len(seeds.colours)
        scales = torch.from_numpy(seeds.sizes).log()[:, None].repeat(1, 3)
        scales[:bound, 2] += float(np.log(_FLAT))
        quats = torch.zeros(total, 4)
        quats[:, 0] = 1
        self.parameters = {
            "offsets": torch.zeros(total, 3),
            "scales": scales,
            "quats": quats,
            "opacities": torch.full((total,), 1.5),
            "colours": (torch.from_numpy(seeds.colours) - 0.5) / SH_C0,
        }
        for tensor in self.parameters.values():
            tensor.requires_grad_(True)

    def __len__(self) -> int:
        return len(self.parameters["offsets"])

    def pose(self, vertices: Tensor) -> Gaussians:
        """The cloud over a posed mesh (V, 3), both in head space, metres; differentiable by the parameters."""
        own, bound = self.parameters, len(self._triangles)
        corners = vertices[self._triangles]
        places = (corners * self._barycentrics[..., None]).sum(1)
        axes = _triangle_axes(corners)
        offsets = own["offsets"]
        turned = (axes @ offsets[:bound, :, None])[..., 0]
        quats = F.normalize(own["quats"], dim=1)
        return Gaussians(
            means=torch.cat([places + turned, self._anchors + offsets[bound:]]),
            quats=torch.cat([_multiply(_quaternions(axes), quats[:bound]), quats[bound:]]),
            scales=own["scales"].clamp(*_LOG_SCALES).exp(),
            opacities=own["opacities"].sigmoid(),
            sh=own["colours"][:, None],
        )


def _triangle_axes(corners: Tensor) -> Tensor:
    """Orthonormal axes of triangles (N, 3 corners, 3) → (N, 3, 3): columns along an edge, across it, and outwards."""
    along = F.normalize(corners[:, 1] - corners[:, 0], dim=1)
    outwards = F.normalize(torch.linalg.cross(along, corners[:, 2] - corners[:, 0]), dim=1)
    return torch.stack([along, torch.linalg.cross(outwards, along), outwards], -1)


def _quaternions(matrices: Tensor) -> Tensor:
    """Rotations (N, 3, 3) → wxyz (N, 4), by the largest of the four (Shepperd 1978)."""
    m = matrices
    x, y, z = m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]
    squares = torch.stack([1 + x + y + z, 1 + x - y - z, 1 - x + y - z, 1 - x - y + z], 1)
    a, b, c = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    d, e, f = m[:, 1, 0] + m[:, 0, 1], m[:, 0, 2] + m[:, 2, 0], m[:, 2, 1] + m[:, 1, 2]
    w0, w1, w2, w3 = squares.unbind(1)
    rows = torch.stack([w0, a, b, c, a, w1, d, e, b, d, w2, f, c, e, f, w3], 1).reshape(-1, 4, 4)
    largest = squares.argmax(1)
    return F.normalize(rows[torch.arange(len(m)), largest], dim=1)


def _multiply(first: Tensor, second: Tensor) -> Tensor:
    """Quaternions wxyz (N, 4): the turn `second`, then `first`."""
    aw, ax, ay, az = first.unbind(1)
    bw, bx, by, bz = second.unbind(1)
    return torch.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        1,
    )
