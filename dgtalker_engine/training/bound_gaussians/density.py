"""Adaptive density control after 3D Gaussian Splatting (Kerbl et al. 2023, section 5.2), for Gaussians on triangles."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ...gaussians import Camera
from ...gaussians.reference.placing import rotated
from .config import BoundGaussiansConfig
from .model import BY_GAUSSIAN, BoundHead

_SPLIT = 1.6  # a split Gaussian's halves are smaller by that
_HELD = 0.5
_SMALL = 0.35  # of a triangle's size: Gaussians below are cloned, others split


class DensityControl:
    """Collects how much the view wants each Gaussian moved, and adds and removes Gaussians by it.

    Children inherit the triangle of their parent, and with it the local coordinate system, as the paper says.
    """

    def __init__(self, model: BoundHead, config: BoundGaussiansConfig) -> None:
        self._config = config
        self._sum, self._count = torch.zeros(len(model)), torch.zeros(len(model))

    def state_dict(self) -> dict[str, Any]:
        return {"sum": self._sum, "count": self._count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._sum, self._count = state["sum"], state["count"]

    def rounds(self) -> set[int]:
        """The steps after which Gaussians are added and removed."""
        config = self._config
        if not config.density_control:
            return set()
        first, last = 0.1 * config.steps, 0.6 * config.steps
        return {round(first + (last - first) * k / config.density_rounds) for k in range(1, config.density_rounds + 1)}

    @torch.no_grad()
    def observe(self, means: Tensor, gradients: Tensor, camera: Camera) -> None:
        """Counts a step: by how much the loss changes as a mean moves across the view, in half pictures.

        Args:
            means: in head space (N, 3).
            gradients: by them.
            camera: of the step.
        """
        pose = torch.as_tensor(camera.world_to_camera, dtype=torch.float32)
        across = gradients @ pose[:2, :3].T
        depth = means @ pose[2, :3] + pose[2, 3]
        amount = across.norm(dim=1) * depth * (camera.width / 2 / float(camera.K[0, 0]))
        self._sum += amount
        self._count += amount > 0

    @torch.no_grad()
    def control(self, model: BoundHead, optimiser: torch.optim.Optimizer, held: Tensor) -> None:
        """Clones what is small and splits what is large where the view wants more, and drops what is hardly seen.

        What is held to its surroundings by more than a half, of `Surroundings.held` (N,), stays as it is: at the head's
        outline the view wants more and more, and from the side that are dots.
        """
        config = self._config
        stays = held > _HELD
        kept = (model.opacity_logits.sigmoid() >= config.least_opacity) | stays
        wanted = self._sum / self._count.clamp_min(1)
        wanted[~kept | stays | (wanted < config.density_gradient)] = 0
        room = max(0, config.most_gaussians - int(kept.sum()))
        parents = torch.topk(wanted, min(room, int((wanted > 0).sum()))).indices.sort().values
        large = model.log_scales[parents].amax(dim=1) > math.log(_SMALL)

        rows = torch.cat([kept.nonzero()[:, 0], parents])
        children = torch.arange(len(rows)) >= int(kept.sum())
        split = torch.zeros(len(model), dtype=torch.bool)
        split[parents[large]] = True
        shrinks = split[rows]
        # Each half somewhere within the whole, along its own axes; a clone stays where its parent is.
        spread = torch.randn(len(rows), 3) * model.log_scales[rows].exp() * _sizes(model)[rows, None]
        spread = spread * shrinks[:, None] * 0.7
        _take(model, optimiser, rows, children)
        model.positions.add_(rotated(model.quats, spread))
        model.log_scales.sub_(shrinks[:, None] * math.log(_SPLIT))
        self.restart(model)

    def restart(self, model: BoundHead) -> None:
        """Counts anew, of the Gaussians that there are now."""
        self._sum, self._count = torch.zeros(len(model)), torch.zeros(len(model))


def _take(model: BoundHead, optimiser: torch.optim.Optimizer, rows: Tensor, children: Tensor) -> None:
    """Gives the model the Gaussians `rows`, and the optimiser their states; children's begin anew.

    Parameters keep their identity, so that the optimiser goes on with them.
    """
    model.triangles = model.triangles[rows]
    for name in (*BY_GAUSSIAN, *model.by_latent):
        parameter: nn.Parameter | None = getattr(model, name)
        if parameter is None:
            continue
        axis = 1 if name in model.by_latent else 0
        state = optimiser.state.get(parameter, {})
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[key] = value.index_select(axis, rows)
                state[key].movedim(axis, 0)[children] = 0
        parameter.data = parameter.data.index_select(axis, rows)
        parameter.grad = None


def _sizes(model: BoundHead) -> Tensor:
    """Of the Gaussians' triangles at rest, metres (N,)."""
    return model.triangle_frames(model.face_model.neutral).sizes[model.triangles]
