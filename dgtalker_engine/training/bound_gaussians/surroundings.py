"""What frames hardly show is held to its seed while a head is trained, for views beside the camera's.

A Gaussian that is hidden in all frames, or that all see at a flat angle, may have any colour, form and place along the
view without a frame's picture changing much: training moves it by chance, and from the side it is a streak or a dot.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial import KDTree
from torch import Tensor

from ...capture.face_model import Region
from ..clip_frames import ClipFrames
from .borrowing import kinds
from .config import BoundGaussiansConfig
from .model import BoundHead
from .seeding import Seeds
from .visibility import FRAMES, neighbours, shown, surface_shown, turned_to

_FLAT, _SURE = 0.3, 0.6
"""Of a surface's area, what is seen across the view: less holds its Gaussians wholly, more lets them go."""
_SEEDS = 1
_PLACE = 4e-3  # metres
_ROUND = math.log(2.0)  # of how many times as long as wide a Gaussian may be
_THICKNESS = 0.3  # of the width
_TURN, _OPACITY = 10.0, 0.1
_OPAQUE = 2.0  # as a logit
_BLENDSHAPES = {"blend_positions": 1e3, "blend_rotations": 10.0, "blend_colours": 10.0}


class Surroundings:
    """How much each Gaussian is held, and to which seeds; `refresh` when Gaussians come, go or have moved.

    Attributes:
        held: from 0 to 1 (N,).
    """

    def __init__(self, config: BoundGaussiansConfig, frames: ClipFrames, seeds: Seeds) -> None:
        self._config, self._frames, self._seeds = config, frames, seeds
        self.held = torch.zeros(0)
        self._near, self._colours = torch.zeros((0, 0), dtype=torch.int64), torch.zeros((0, 3))
        self._widths, self._sizes, self._barycentrics = torch.zeros(0), torch.zeros(0), torch.zeros((0, 3))

    def state_dict(self) -> dict[str, Any]:
        return {
            "held": self.held,
            "near": self._near,
            "colours": self._colours,
            "widths": self._widths,
            "sizes": self._sizes,
            "barycentrics": self._barycentrics,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.held, self._near, self._colours = state["held"], state["near"], state["colours"]
        self._widths, self._sizes = state["widths"], state["sizes"]
        self._barycentrics = state["barycentrics"]

    @torch.no_grad()
    def refresh(self, model: BoundHead) -> None:
        """Finds anew how well the training frames show what is around each Gaussian, and the seeds beside it."""
        regions = model.regions.numpy()
        points = model.pose(torch.zeros(len(model.face_model.expression_names))).means.numpy()
        near, distance = neighbours(points, regions)
        chosen = self._frames.spread(FRAMES)
        areas = [shown(model, self._frames, index)[0] for index in chosen]
        # A few large Gaussians at the outline make it look well seen.
        cosines = torch.stack([turned_to(model, self._frames, index) for index in chosen]).amax(dim=0)
        seen = torch.minimum(surface_shown(areas, near, distance), cosines)
        free = ((seen - _FLAT) / (_SURE - _FLAT)).clamp(0, 1)
        self.held = model.outer * (1 - free * free * (3 - 2 * free))
        self._near = torch.from_numpy(near)
        self._barycentrics = model.barycentric_logits.softmax(dim=1)

        triangles, seeds = model.triangle_frames(model.face_model.neutral), self._seeds
        self._sizes = triangles.sizes[model.triangles].log()
        places = (seeds.barycentrics[:, :, None] * triangles.corners[seeds.triangles]).sum(dim=1).numpy()
        widths = seeds.log_scales[:, [0, 2]].mean(dim=1) + triangles.sizes[seeds.triangles].log()
        ours = kinds(np.where(model.necks.numpy(), Region.NECK, regions))
        theirs = kinds(np.where(seeds.neck.numpy(), Region.NECK, seeds.regions.numpy())[seeds.triangles])
        self._colours, self._widths = torch.zeros(len(model), 3), torch.zeros(len(model))
        for kind in np.unique(ours):
            rows, source = ours == kind, theirs == kind
            _, which = KDTree(places[source]).query(points[rows], k=min(_SEEDS, int(source.sum())))
            which = which.reshape(int(rows.sum()), -1)
            self._colours[rows] = seeds.colours[source][which].mean(dim=1)
            self._widths[rows] = widths[source][which].mean(dim=1)

    def losses(self, model: BoundHead) -> dict[str, Tensor]:
        """What holds, by what it holds."""
        amount = self._config.surroundings_weight * self.held
        wide, thick = model.log_scales[:, [0, 2]] + self._sizes[:, None], model.log_scales[:, 1] + self._sizes
        width = wide.mean(dim=1)
        form = F.relu((wide[:, 0] - wide[:, 1]).abs() - _ROUND).square()
        form = form + F.relu(thick - width - math.log(_THICKNESS)).square()
        size = (width - self._widths).square()
        turn = model.quats[:, [1, 3]].square().sum(dim=1) / model.quats.square().sum(dim=1)
        # A surface may lie elsewhere as a whole: nobody says where the shell is.
        height = model.positions[:, 1].detach()
        moved = model.barycentric_logits.softmax(dim=1) - self._barycentrics
        beside = model.positions[:, [0, 2]].square().sum(dim=1)
        beside = beside + moved.square().sum(dim=1) * (2 * self._sizes).exp()
        place = beside + (model.positions[:, 1] - height[self._near].mean(dim=1)).square()
        # Lids that let through show the eye when they shut.
        opaque = _OPACITY * F.relu(_OPAQUE - model.opacity_logits).square()
        terms = {
            "held_colours": (model.colours - self._colours).square().sum(dim=1),
            "held_places": place / _PLACE**2,
            "held_forms": form + size + _TURN * turn,
            "held_opacities": opaque,
        }
        terms = {name: (amount * term).mean() for name, term in terms.items()}
        terms["lids"] = self._config.surroundings_weight * (model.lids * opaque).mean()
        blends = [
            _BLENDSHAPES[name] * (amount[:, None] * change.square()).mean()
            for name in model.by_latent
            if (change := getattr(model, name)) is not None
        ]
        if blends:
            terms["held_blendshapes"] = torch.stack(blends).sum()
        return terms
