"""Facial motion as the general field hears it: coordinate maps of the posed face model, minus the canonical one's."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ...capture.face_model import FaceModel
from ...capture.mesh_raster import rasterize

SIDE = 32
"""Texels of a map's side."""
HALF_WIDTH = 4
"""Frames before and after one that its motion is heard with."""
WINDOW = 2 * HALF_WIDTH + 1
_UNIT = 0.01  # metres
_TURN = 0.15  # radians
_BOUND = 3.0
_NOISE = 0.03  # what varies so much less than the jaw is noise of the tracking, and not blown up to 1
_STILL = 1e-5  # what a face that stands still is taken to vary by


class CoordinateMaps(nn.Module):
    """Where a face model's surface is, texel by texel of its UV, beside where it is at rest.

    Args:
        face_model: of the person.
    """

    corners: Tensor
    shares: Tensor

    def __init__(self, face_model: FaceModel) -> None:
        super().__init__()
        uv = face_model.uv.numpy() * SIDE
        faces = face_model.faces.numpy()
        raster = rasterize(uv, np.ones(len(uv)), faces, SIDE, SIDE)
        shown = raster.triangles >= 0
        self.register_buffer("corners", torch.from_numpy(faces[np.where(shown, raster.triangles, 0)]), persistent=False)
        self.register_buffer("shares", torch.from_numpy(raster.barycentrics * shown[..., None]), persistent=False)
        self._rest = face_model.neutral

    def forward(self, vertices: Tensor) -> Tensor:
        """(…, V, 3) in head space, metres → maps (…, 3, `SIDE`, `SIDE`), whose 1 is a centimetre."""
        moved = (vertices - self._rest) / _UNIT
        return (moved[..., self.corners, :] * self.shares[..., None]).sum(dim=-2).movedim(-1, -3)


class MotionEncoder(nn.Module):
    """Maps of a frame and its neighbours to the general code: a small convolution, then one over time.

    Beside it the head's turn counts: lights stand still, and hair hangs.

    Args:
        code: numbers of the code.
    """

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code
        self.frame = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.GELU(),
            nn.Conv2d(16, 32, 3, 2, 1), nn.GELU(),
            nn.Conv2d(32, 32, 3, 2, 1), nn.GELU(),
            nn.Flatten(), nn.Linear(32 * (SIDE // 8) ** 2, code),
        )  # fmt: skip
        self.time = nn.Conv1d(code, code, WINDOW)
        nn.init.zeros_(self.time.weight)
        self.turn = nn.Linear(3, code, bias=False)

    @torch.no_grad()
    def set_scale(self, maps: Tensor) -> None:
        """Makes the code's numbers vary by about 1, each by itself, over the maps of training frames (T, 3, S, S)."""
        each, last = self.frame(maps), self.frame[-1]
        assert isinstance(last, nn.Linear)
        mean = each.mean(dim=0)
        _, spread, axes = torch.linalg.svd(each - mean, full_matrices=False)
        deviations = spread / len(each) ** 0.5
        whiten = axes / (deviations + _NOISE * deviations[0]).clamp_min(_STILL)[:, None]
        last.bias[: len(whiten)] = whiten @ (last.bias - mean)
        last.weight[: len(whiten)] = whiten @ last.weight

    def forward(self, maps: Tensor, turn: Tensor | None) -> Tensor:
        """The code (code,) of maps (`WINDOW`, 3, S, S), or (1, 3, S, S) of a face that stands still; turn (3,)."""
        each = self.frame(maps)
        window = each.expand(WINDOW, -1)
        code = window[HALF_WIDTH] + self.time(window.T)[:, 0]
        if turn is not None:
            code = code + self.turn(turn / _TURN)
        return _BOUND * torch.tanh(code / _BOUND)
