"""Lips of the built-in head as a Performance moves them."""

from __future__ import annotations

import numpy as np

from dgtalker_engine import avatar
from dgtalker_engine.avatar.base import corrective_indices
from dgtalker_engine.heads.sculpture.anatomy import MOUTH_HALF_WIDTH, slit_y, slit_z
from dgtalker_engine.performance import Performance

_MM = 1e-3


class RigLips:
    """The middles of both lips and the corners of the mouth on the head's mesh."""

    def __init__(self) -> None:
        head = avatar.load(avatar.builtin(avatar.BUILTIN_NAMES[0]))
        self._rig = head.rig
        mesh = head.proxy
        across = np.array([0.0, MOUTH_HALF_WIDTH, -MOUTH_HALF_WIDTH])
        middle, *corners = np.stack([across, slit_y(across), slit_z(across)], axis=1) * _MM
        distance = np.linalg.norm(mesh.vertices - middle, axis=1)
        # Both lips have vertices in the line where they touch: the jaw takes the lower one's along.
        seam = np.flatnonzero(distance < distance.min() + 1e-5)
        drop = mesh.deltas[self._rig.names.index("jawOpen"), seam, 2]
        chosen = [seam[drop.argmax()], seam[drop.argmin()]]
        chosen += [int(np.linalg.norm(mesh.vertices - corner, axis=1).argmin()) for corner in corners]
        self._rest = mesh.vertices[chosen].astype(np.float64)
        self._deltas = mesh.deltas[:, chosen].astype(np.float64)
        controls = corrective_indices(mesh.correctives, self._rig)
        self._factors = np.where(controls < 0, len(self._rig.controls), controls)

    def measure(self, performance: Performance) -> tuple[np.ndarray, np.ndarray]:
        """Millimetres between the lips (0 where they touch or press) and between the corners, each (frames,)."""
        points = self._points(performance)
        gap = points[:, 0] - points[:, 1]
        opening = np.where(gap[:, 2] > 0, np.linalg.norm(gap, axis=1), 0.0)
        width = np.linalg.norm(points[:, 2] - points[:, 3], axis=1)
        return opening / _MM, width / _MM

    def from_rest(self, performance: Performance) -> tuple[np.ndarray, np.ndarray]:
        """Millimetres by which the upper lip is raised, and the lower one lowered, each (frames,)."""
        moved = self._points(performance)[:, :2, 2] - self._rest[:2, 2]
        return moved[:, 0] / _MM, -moved[:, 1] / _MM

    def _points(self, performance: Performance) -> np.ndarray:
        """Upper lip, lower lip and both corners, metres (frames, 4, 3)."""
        weights = performance.select(self._rig.names).astype(np.float64)
        factors = np.pad(weights, ((0, 0), (0, 1)), constant_values=1.0)[:, self._factors]
        weights = np.concatenate([weights, factors.prod(axis=2)], axis=1)
        return self._rest + np.einsum("fc,cvd->fvd", weights, self._deltas)
